"""Classical inference for least squares: standard errors, tests and intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc, stdtr

from linnet.config.metric_names import MOST_COEFFICIENTS
from linnet.solvers.extended_precision import Array
from linnet.solvers.least_squares.least_squares import LeastSquares
from linnet.solvers.prediction_errors import PredictionErrors
from linnet.solvers.student_t import critical_t

COLUMNS = ("coefficient", "std_error", "t", "p", "ci_low", "ci_high")
"""Keys of each coefficient's numbers in metrics.json, `optimum/<column>/<name of the coefficient>`."""

MAX_NAMES = 12
"""Most columns that a message lists."""


@dataclass(frozen=True)
class Inference:
    """Inference on the coefficients, for independent normal errors of one variance (over weight).

    P coefficients per output, the bias first; C outputs.

    names: of the coefficients, `P`; "bias" is the bias.
    coefficients, std_errors, t, p, low, high: `[C, P]`; p is two-sided, and low to high the 95 % confidence interval.
    r2, adjusted_r2: share of the squares of y explained, `[C]`: about the mean if there is a bias, about 0 if not, and
        never about the mean for a constant feature in the bias' stead, where statsmodels would change its mind.
    f, f_p: test that all weights are zero, `[C]`.
    residual_std_error: square root of residual squares over `df_residual`, in units of y, `[C]`.
    df_model, df_residual: number of weights; rows (of positive weight) minus coefficients.
    rank, condition, scaled_condition: those of the fit.
    """

    names: tuple[str, ...]
    coefficients: Array
    std_errors: Array
    t: Array
    p: Array
    low: Array
    high: Array
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

    def metrics(self) -> dict[str, float]:
        """Return finite numbers for metrics.json: "optimum/r2", …, and of each coefficient "optimum/p/<name>", ….

        With several outputs their number follows, as in "optimum/r2/y1" and "optimum/p/y1/x3". What is
        infinite or undefined (F of an exact fit) is left out, since JSON has no word for it.
        """
        shared = ("condition", "scaled_condition", "rank", "df_residual")
        numbers = {f"optimum/{key}": float(getattr(self, key)) for key in shared}
        columns = (self.coefficients, self.std_errors, self.t, self.p, self.low, self.high)
        for c in range(len(self.r2)):
            suffix = f"/y{c}" if len(self.r2) > 1 else ""
            for key in ("r2", "adjusted_r2", "f", "f_p", "residual_std_error"):
                numbers[f"optimum/{key}{suffix}"] = float(getattr(self, key)[c])
            for i, name in enumerate(self.names if self.coefficients.size <= MOST_COEFFICIENTS else ()):
                for key, column in zip(COLUMNS, columns, strict=True):
                    numbers[f"optimum/{key}{suffix}/{name}"] = float(column[c, i])
        return {key: number for key, number in numbers.items() if np.isfinite(number)}


def inference(fit: LeastSquares, feature_names: Sequence[str] | None = None) -> Inference:
    """Compute standard errors, t and F tests, intervals and R² of a least squares fit, from its QR factor.

    The covariance of the coefficients is s² (XᵀWX)⁻¹ = s² G Gᵀ with G from the triangle R, so that no digits are lost
    to XᵀX. Weights count as precisions, not as copies: doubling all of them changes nothing (statsmodels' WLS).

    Source: Seber and Lee, Linear Regression Analysis, 2003, chapters 3 to 5.

    Args:
        fit: without penalty, of full rank, with more rows than coefficients.
        feature_names: D names, "x0", "x1", … if None.

    Raises:
        ValueError: the fit is not as above.
    """
    n_features = fit.weight.shape[1]
    features = tuple(feature_names or (f"x{i}" for i in range(n_features)))
    reason = withheld(fit, features)
    if reason is not None or fit.inverse is None:
        raise ValueError(reason)
    df_residual = fit.n_rows - fit.n_coefficients

    coefficients = fit.weight if fit.bias is None else np.column_stack([fit.bias, fit.weight])
    variance = fit.residual_squares / df_residual
    std_errors = np.sqrt(variance)[:, None] * np.linalg.norm(fit.inverse, axis=1)
    margin = critical_t(df_residual) * std_errors
    total = fit.total_squares
    explained = np.maximum(total - fit.residual_squares, 0)  # rounding may leave a little less than nothing
    with np.errstate(divide="ignore", invalid="ignore"):  # an exact fit, or a y that is constant
        t = coefficients / std_errors
        f = explained / n_features / variance
        r2 = explained / total
        adjusted_r2 = 1 - variance / (total / (fit.n_rows - (fit.bias is not None)))
    return Inference(
        names=features if fit.bias is None else ("bias", *features),
        coefficients=coefficients,
        std_errors=std_errors,
        t=t,
        p=2 * stdtr(df_residual, -np.abs(t)),
        low=coefficients - margin,
        high=coefficients + margin,
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


def prediction_errors(fit: LeastSquares, means: Array) -> PredictionErrors:
    """Return the prediction errors of a fit without penalty and without weights, of full rank, of more rows than P.

    Args:
        fit: as above; `withheld` says why another one has none.
        means: of its features `[D]`.
    """
    assert fit.inverse is not None
    first, n_features = int(fit.bias is not None), fit.weight.shape[1]
    factor = np.zeros((1 + n_features, 1 + n_features))
    factor[1:, 1:] = fit.inverse[first:, first:]
    if first:  # the column of ones is orthogonal to centred features
        factor[0, 0] = 1 / np.sqrt(fit.n_rows)
    df_residual = fit.n_rows - fit.n_coefficients
    return PredictionErrors(
        means if first else np.zeros(n_features), factor, np.sqrt(fit.residual_squares / df_residual), df_residual
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
