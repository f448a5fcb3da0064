"""Classical inference for least squares: standard errors, tests and intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import fdtrc, stdtr

from linnet.solvers.extended_precision import Array
from linnet.solvers.least_squares.least_squares import LeastSquares
from linnet.solvers.student_t import critical_t

COLUMNS = ("coefficient", "std_error", "t", "p", "ci_low", "ci_high")
"""Keys of the table's columns in metrics.json, `optimum/<column>/<name of the coefficient>`."""

MAX_NAMES = 12
"""Most columns that a message lists."""


class Coefficient(NamedTuple):
    """A row of the table: one coefficient, its standard error, and the test that it is zero."""

    name: str
    coefficient: float
    std_error: float
    t: float
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class Inference:
    """Inference on the coefficients, for independent normal errors of one variance (over weight).

    P coefficients per output, the bias first; C outputs.

    names: of the coefficients, `P`; "bias" is the bias.
    outputs: names of the outputs, `C`.
    coefficients, std_errors, t, p, low, high: `[C, P]`; p is two-sided, and low to high the confidence interval.
    level: of the interval, in (0, 1).
    r2, adjusted_r2: share of the squares of y explained, `[C]`: about the mean if there is a bias, about 0 if not, and
        never about the mean for a constant feature in the bias' stead, where statsmodels would change its mind.
    f, f_p: test that all weights are zero, `[C]`.
    residual_std_error: square root of residual squares over `df_residual`, in units of y, `[C]`.
    df_model, df_residual: number of weights; rows (of positive weight) minus coefficients.
    rank, condition, scaled_condition: those of the fit.
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    coefficients: Array
    std_errors: Array
    t: Array
    p: Array
    low: Array
    high: Array
    level: float
    r2: Array
    adjusted_r2: Array
    f: Array
    f_p: Array
    residual_std_error: Array
    df_model: int
    df_residual: int
    rank: int
    condition: float
    scaled_condition: float

    def table(self, output: int = 0) -> list[Coefficient]:
        """Return one row per coefficient of an output, the bias first."""
        columns = (self.coefficients, self.std_errors, self.t, self.p, self.low, self.high)
        return [
            Coefficient(name, *(float(column[output, i]) for column in columns)) for i, name in enumerate(self.names)
        ]

    def metrics(self, *, max_coefficients: int = 32) -> dict[str, float]:
        """Return finite numbers for metrics.json: "optimum/r2", …, and from the table "optimum/std_error/<name>", ….

        With several outputs the name of the output follows, as in "optimum/r2/y1" and "optimum/p/y1/x3". What is
        infinite or undefined (F of an exact fit) is left out, since JSON has no word for it.

        Args:
            max_coefficients: the table is left out if there are more coefficients in all.
        """
        shared = ("condition", "scaled_condition", "rank", "df_residual")
        numbers = {f"optimum/{key}": float(getattr(self, key)) for key in shared}
        for c, output in enumerate(self.outputs):
            suffix = f"/{output}" if len(self.outputs) > 1 else ""
            for key in ("r2", "adjusted_r2", "f", "f_p", "residual_std_error"):
                numbers[f"optimum/{key}{suffix}"] = float(getattr(self, key)[c])
            if self.coefficients.size <= max_coefficients:
                for row in self.table(c):
                    for key, number in zip(COLUMNS, row[1:], strict=True):
                        numbers[f"optimum/{key}{suffix}/{row.name}"] = number
        return {key: number for key, number in numbers.items() if np.isfinite(number)}


def inference(
    fit: LeastSquares,
    *,
    feature_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    level: float = 0.95,
) -> Inference:
    """Compute standard errors, t and F tests, intervals and R² of a least squares fit, from its QR factor.

    The covariance of the coefficients is s² (XᵀWX)⁻¹ = s² G Gᵀ with G from the triangle R, so that no digits are lost
    to XᵀX. Weights count as precisions, not as copies: doubling all of them changes nothing (statsmodels' WLS).

    Source: Seber and Lee, Linear Regression Analysis, 2003, chapters 3 to 5.

    Args:
        fit: without penalty, of full rank, with more rows than coefficients.
        feature_names: D names, "x0", "x1", … if None.
        output_names: C names, "y0", "y1", … if None.
        level: of the confidence intervals, in (0, 1).

    Raises:
        ValueError: the fit or an argument is not as above.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: expected a number between 0 and 1")
    n_outputs, n_features = fit.weight.shape
    features, outputs = _names("feature", feature_names, n_features), _names("output", output_names, n_outputs)
    reason = withheld(fit, features)
    if reason is not None or fit.inverse is None:
        raise ValueError(reason)
    df_residual = fit.n_rows - fit.n_coefficients

    coefficients = fit.weight if fit.bias is None else np.column_stack([fit.bias, fit.weight])
    variance = fit.residual_squares / df_residual
    std_errors = np.sqrt(variance)[:, None] * np.linalg.norm(fit.inverse, axis=1)
    margin = critical_t(df_residual, level) * std_errors
    total = fit.total_squares
    explained = np.maximum(total - fit.residual_squares, 0)  # rounding may leave a little less than nothing
    with np.errstate(divide="ignore", invalid="ignore"):  # an exact fit, or a y that is constant
        t = coefficients / std_errors
        f = explained / n_features / variance
        r2 = explained / total
        adjusted_r2 = 1 - variance / (total / (fit.n_rows - (fit.bias is not None)))
    return Inference(
        names=features if fit.bias is None else ("bias", *features),
        outputs=outputs,
        coefficients=coefficients,
        std_errors=std_errors,
        t=t,
        p=2 * stdtr(df_residual, -np.abs(t)),
        low=coefficients - margin,
        high=coefficients + margin,
        level=level,
        r2=r2,
        adjusted_r2=adjusted_r2,
        f=f,
        f_p=fdtrc(n_features, df_residual, f),
        residual_std_error=np.sqrt(variance),
        df_model=n_features,
        df_residual=df_residual,
        rank=fit.rank,
        condition=fit.condition,
        scaled_condition=fit.scaled_condition,
    )


def withheld(fit: LeastSquares, feature_names: Sequence[str]) -> str | None:
    """Return in one line why a fit of these features has no standard errors, None if it has some."""
    if fit.l2 > 0:
        return f"the fit has l2={fit.l2:g}: standard errors are for l2=0, since a penalty biases coefficients"
    if not fit.unique:
        names = [feature_names[j] for j in fit.dependent]
        listed = ", ".join(names[:MAX_NAMES])
        if len(names) > MAX_NAMES:
            listed += f" and {len(names) - MAX_NAMES} more"
        constant = "" if fit.bias is None else " up to a constant"
        what = "columns depend on each other" if len(names) > 1 else "a column is zero"
        return (
            f"{what}{constant}, so that their coefficients are not determined "
            f"(rank {fit.rank} of {fit.n_coefficients}): {listed}"
        )
    if fit.n_rows <= fit.n_coefficients:
        return f"{fit.n_rows} rows for {fit.n_coefficients} coefficients: at least one row more is needed"
    return None


def _names(kind: str, given: Sequence[str] | None, number: int) -> tuple[str, ...]:
    if given is None:
        return tuple(f"{'x' if kind == 'feature' else 'y'}{i}" for i in range(number))
    if len(given) != number or len(set(given)) != number:
        raise ValueError(f"{len(set(given))} different {kind} names: expected {number}")
    return tuple(given)
