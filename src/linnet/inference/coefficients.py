"""The coefficients of a run by name, with standard errors, tests and intervals where they are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linnet.config.check_options import declared, is_exact
from linnet.config.check_resampling import is_resampled
from linnet.inference.predictor import Predictor, load_predictor
from linnet.inference.resampled_models import load_resampled_models
from linnet.solvers.analysis_file import StoredAnalysis, read_analysis
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking.bootstrapped import Bootstrapped, bootstrapped
from linnet.tracking.linear_predictor import FILE
from linnet.tracking.run_config import load_config
from linnet.tracking.weights import OPTIMUM, load_optimum, load_weights

BIAS = "bias"
BOOTSTRAP = ("percentile_low", "percentile_high", "bca_low", "bca_high")
Floats = NDArray[np.float64]


class Row(NamedTuple):
    """One coefficient, for a feature in the units that it came in; None: not known.

    output: the class, or the target.
    coefficient: of the run.
    per_deviation: coefficient × deviation of the feature; None for a bias, or if the run did not scale its features.
    optimum: the least squares coefficient; what follows is about this one.
    p: two-sided, of the hypothesis that it is 0.
    ci_low, ci_high: its 95 % confidence interval.
    percentile_low, percentile_high, bca_low, bca_high: 95 % bootstrap intervals of the coefficient, if the run has
        resamples of a bootstrap.
    selected: share of these in which the weight is not 0, of a run with an l1 penalty.
    """

    output: str
    feature: str
    coefficient: float
    per_deviation: float | None = None
    optimum: float | None = None
    std_error: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    t: float | None = None
    p: float | None = None
    percentile_low: float | None = None
    percentile_high: float | None = None
    bca_low: float | None = None
    bca_high: float | None = None
    selected: float | None = None

    @property
    def strength(self) -> float:
        """Magnitude by which the features of an output are ranked."""
        return abs(self.coefficient if self.per_deviation is None else self.per_deviation)


@dataclass(frozen=True)
class Coefficients:
    """All coefficients of a run.

    rows: output by output, the bias first, then the features in their order.
    unit: of `Row.per_deviation`, "per standard deviation" or "per root mean square" (of a run without bias); None:
        features were not scaled.
    exact: whether the run's coefficients are the optimum, which `optimizer=exact` solved for.
    predictor: that they belong to.
    withheld: why there are no standard errors, where that is known.
    n_resamples: of the bootstrap; 0: there is none.
    bootstrap_notes: why some bootstrap intervals are withheld.
    """

    rows: tuple[Row, ...]
    unit: str | None
    exact: bool
    predictor: Predictor
    withheld: str | None = None
    n_resamples: int = 0
    bootstrap_notes: tuple[str, ...] = ()

    @property
    def known_columns(self) -> tuple[str, ...]:
        """Fields of `Row`; those of the bootstrap only if there is one, and `selected` only if it is known."""
        bootstrap = (*BOOTSTRAP, *(("selected",) if any(row.selected is not None for row in self.rows) else ()))
        others = tuple(name for name in Row._fields if name not in (*BOOTSTRAP, "selected"))
        return (*others, *bootstrap) if self.n_resamples else others

    @property
    def has_errors(self) -> bool:
        return any(row.std_error is not None for row in self.rows)

    def of(self, output: str) -> list[Row]:
        return [row for row in self.rows if row.output == output]


def load_coefficients(run: Path) -> Coefficients:
    """Load the coefficients of a completed run; nothing but its directory is needed.

    Raises:
        InputError: if there is no completed run, or a file of it is missing or damaged.
    """
    predictor = load_predictor(run)
    fed, means = load_weights(run)["weight"], read_json(run / FILE)["mean"]
    analysis, config = load_optimum(run, read_analysis), load_config(run)
    try:
        bootstrap = load_bootstrap(run, predictor, config)
        return tabulate(predictor, fed, means, analysis, exact=is_exact(config), bootstrap=bootstrap)
    except ValueError as error:
        raise InputError(f"{run / OPTIMUM} is damaged: {error}") from error


def load_bootstrap(run: Path, predictor: Predictor, config: Mapping[str, Any]) -> Bootstrapped | None:
    """Return the bootstrap of a run's coefficients; None if its resamples are not of a bootstrap, or it has none.

    Raises:
        InputError: its file is missing or damaged.
    """
    if not is_resampled(config) or not declared(config["resampling"]).is_bootstrap:
        return None
    found = load_resampled_models(run, predictor)
    return bootstrapped(found.coefficients, _own(predictor), found.acceleration, found.quantile)


def _own(predictor: Predictor) -> Floats:
    """Return the coefficients of a predictor, `[C, 1 + D]`, the bias first."""
    return np.column_stack([predictor.bias, predictor.weight])


def tabulate(
    predictor: Predictor, fed: NDArray[Any], means: Sequence[float] | None, analysis: StoredAnalysis | None, *,
    exact: bool, bootstrap: Bootstrapped | None = None,
) -> Coefficients:  # fmt: skip
    """Tabulate the coefficients of a predictor.

    Args:
        predictor: of features in the units of the data.
        fed: the weights `[C, D]` for features as the model was fed them.
        means: of the features, where they were standardised.
        analysis: of the training problem, if it is known.
        exact: whether the coefficients are the optimum.
        bootstrap: of the coefficients, if there is one.

    Raises:
        ValueError: the analysis is of another model.
    """
    fed = fed.astype(np.float64)
    unit = None if means is None else "per standard deviation" if any(means) else "per root mean square"
    own = _own(predictor)
    names = (BIAS, *feature_names(predictor))
    known = {} if analysis is None else inferred(analysis)
    if any(values.shape != own.shape for values in known.values()):
        raise ValueError("it is of another model")
    rows = []
    for c, output in enumerate(predictor.output_names):
        for i, name in enumerate(names):
            about = {key: _finite(float(values[c, i])) for key, values in known.items()}
            if i == 0 and about.get("std_error") == 0:
                about = {}  # there is no bias
            effect = float(fed[c, i - 1]) if i > 0 and unit is not None else None
            if bootstrap is not None:
                about |= {key: _finite(float(values[c, i])) for key, values in bootstrap.columns.items()}
            rows.append(Row(output, name, float(own[c, i]), effect, **about))
    reason = None if analysis is None else analysis.withheld
    found = Coefficients(tuple(rows), unit, exact, predictor, reason)
    if bootstrap is None:
        return found
    return replace(found, n_resamples=bootstrap.n_resamples, bootstrap_notes=bootstrap.notes)


def feature_names(predictor: Predictor) -> tuple[str, ...]:
    """Return the names of the D features: their own; of pixels `row,column` or `channel,row,column`; else `x0`, …."""
    if predictor.feature_names:
        return predictor.feature_names
    if predictor.image_shape:
        return tuple(",".join(map(str, place)) for place in np.ndindex(predictor.image_shape))
    return tuple(f"x{i}" for i in range(predictor.n_features))


def inferred(analysis: StoredAnalysis) -> Mapping[str, Floats]:
    """Return optimum, std_error, ci_low, ci_high, t and p of the optimum's coefficients, each `[C, 1 + D]`.

    Empty unless they are the unique optimum of least squares without penalty; see `linnet.solvers.inference`.
    """
    if "coefficients" not in analysis.tensors:
        return {}
    from scipy.special import stdtr  # late, since most runs have no inference

    from linnet.solvers.student_t import critical_t

    optimum, std_error = analysis.tensors["coefficients"], analysis.tensors["std_errors"]
    df = analysis.statistics["optimum/df_residual"]
    margin = critical_t(df) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):  # of an exact fit
        t = optimum / std_error
    return {
        "optimum": optimum, "std_error": std_error, "ci_low": optimum - margin, "ci_high": optimum + margin,
        "t": t, "p": 2 * stdtr(df, -np.abs(t)),
    }  # fmt: skip


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None
