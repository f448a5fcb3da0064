"""Prediction intervals of a run: where the target of a new row lies, with a given probability."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linnet.config.check_options import is_exact
from linnet.inference.rows import Bounds
from linnet.solvers.analysis_file import StoredAnalysis, read_analysis
from linnet.solvers.prediction_errors import PredictionErrors
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import Floats, LinearPredictor
from linnet.tracking.run_config import load_config
from linnet.tracking.weights import OPTIMUM, load_optimum


@dataclass(frozen=True)
class TheoryIntervals:
    """Prediction intervals of an unpenalised least squares fit, for independent normal errors of one variance.

    errors: of its predictions.
    confidence: probability that the interval of a new row holds its target, in (0, 1).
    """

    errors: PredictionErrors
    confidence: float

    def __call__(self, features: Floats, outputs: Floats) -> Floats:
        """Return low and high `[N, C, 2]` of features `[N, D]` that the predictor gives these outputs `[N, C]`."""
        margin = self.errors.margin(features, self.confidence)
        return np.stack([outputs - margin, outputs + margin], axis=2)


def check_confidence(confidence: float, option: str = "confidence") -> None:
    """Raise InputError unless the confidence is in (0, 1)."""
    if not 0 < confidence < 1:
        raise InputError(f"{option}={confidence:g}: expected a probability in (0, 1), as in 0.9")


def load_intervals(run: Path, predictor: LinearPredictor, confidence: float) -> Bounds:
    """Return the prediction intervals of a completed run.

    Raises:
        InputError: the run has none, or a file of it is damaged.
    """
    exact, analysis = is_exact(load_config(run)), load_optimum(run, read_analysis)
    found = intervals(predictor, analysis, confidence, exact=exact, name=str(run))
    if found.errors.inverse_factor.shape[0] != 1 + predictor.n_features or (
        len(found.errors.residual_std_error) != predictor.n_outputs
    ):
        raise InputError(f"{run / OPTIMUM} is damaged: it is of another model")
    return found


def intervals(
    predictor: LinearPredictor, analysis: StoredAnalysis | None, confidence: float, *, exact: bool,
    name: str = "the run",
) -> TheoryIntervals:  # fmt: skip
    """Return the prediction intervals of a model.

    Args:
        predictor: the model.
        analysis: of its training problem, if it is known.
        confidence: see `TheoryIntervals`.
        exact: whether the model is the optimum, which `optimizer=exact` solved for.
        name: of the run in messages.

    Raises:
        InputError: there are none, with the reason.
    """
    errors = None if analysis is None else analysis.errors
    reason = _reason(predictor, analysis, exact=exact)
    if reason is not None or errors is None:
        raise InputError(f"{name} has no prediction intervals: {reason}")
    return TheoryIntervals(errors, confidence)


def _reason(predictor: LinearPredictor, analysis: StoredAnalysis | None, *, exact: bool) -> str | None:
    """Return in one line why a model has no prediction intervals, or None if it has some."""
    known = "they are known for squared error without a penalty, solved by optimizer=exact"
    if predictor.task == "classification":
        return f"it is a classifier, and {known}"
    if not exact:
        return f"it was trained by steps, and {known}"
    if analysis is None or "coefficients" not in analysis.tensors:
        return known if analysis is None or analysis.withheld is None else analysis.withheld
    if analysis.no_intervals is not None:
        return analysis.no_intervals
    if analysis.errors is None:
        return "it was solved by a linnet that did not keep what they need: train it again"
    return None
