"""Prediction intervals of a run, and sets of classes: what a new row's target is, with a given probability."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from linnet.config.check_options import declared, is_exact
from linnet.config.check_resampling import is_resampled
from linnet.data.table.messages import count_words
from linnet.inference.conformal import NUMBERS, cv_plus_intervals, cv_plus_sets
from linnet.inference.resampled_models import load_fold, load_resampled_models
from linnet.inference.rows import Bounds
from linnet.solvers.analysis_file import StoredAnalysis, read_analysis
from linnet.solvers.prediction_errors import PredictionErrors
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import Floats, LinearPredictor
from linnet.tracking.run_config import load_config
from linnet.tracking.weights import OPTIMUM, load_optimum

REMEDY = "train with resampling=kfold"


@dataclass(frozen=True)
class TheoryIntervals:
    """Prediction intervals of an unpenalised least squares fit, for independent normal errors of one variance.

    errors: of its predictions.
    confidence: probability that the interval of a new row holds its target, in (0, 1).
    """

    errors: PredictionErrors
    confidence: float

    @property
    def method(self) -> str:
        return "intervals from theory, for independent normal errors of one variance"

    def __call__(self, features: Floats, outputs: Floats) -> Floats:
        """Return low and high `[N, C, 2]` of features `[N, D]` that the predictor gives these outputs `[N, C]`."""
        margin = self.errors.margin(features, self.confidence)
        return np.stack([outputs - margin, outputs + margin], axis=2)


@dataclass(frozen=True)
class CrossConformal:
    """Prediction intervals, or sets of classes, by CV+, see `linnet.inference.conformal`.

    models: of the K folds, as one with K · C outputs; of classes, of their logits.
    n_outputs: C.
    task: "regression" or "classification".
    errors: of n training examples by the model of their fold, `[n, C]`, of classes `[n, 1]`.
    fold: of each of them `[n]`.
    confidence: see `TheoryIntervals`.
    """

    models: LinearPredictor
    n_outputs: int
    task: str
    errors: Floats
    fold: NDArray[np.integer[Any]]
    confidence: float

    @property
    def method(self) -> str:
        what = "sets of classes" if self.task == "classification" else "intervals"
        n_folds = self.models.n_outputs // self.n_outputs
        return f"{what} by CV+ over {count_words(n_folds, 'fold')}, for examples that are exchangeable"

    def __call__(self, features: Floats, outputs: Floats) -> Floats:
        """Return low and high `[N, C, 2]`; of classes whether each is in the set, 1 or 0, `[N, C, 1]`."""
        size = max(1, NUMBERS // self.models.n_outputs)  # there may be as many models as examples
        parts = [self._bounds(features[start : start + size]) for start in range(0, len(features), size)]
        return np.concatenate([np.zeros((0, self.n_outputs, 1 if self.task == "classification" else 2)), *parts])

    def _bounds(self, features: Floats) -> Floats:
        outputs = self.models.outputs(features).reshape(len(features), -1, self.n_outputs).swapaxes(0, 1)  # [K, m, C]
        if self.task == "classification":
            found = cv_plus_sets(softmax(outputs, axis=2), self.errors[:, 0], self.fold, self.confidence)
            return found[:, :, None].astype(np.float64)
        return cv_plus_intervals(outputs, self.errors, self.fold, self.confidence)


def check_confidence(confidence: float, option: str = "confidence") -> None:
    """Raise InputError unless the confidence is in (0, 1)."""
    if not 0 < confidence < 1:
        raise InputError(f"{option}={confidence:g}: expected a probability in (0, 1), as in 0.9")


def load_intervals(run: Path, predictor: LinearPredictor, confidence: float) -> Bounds:
    """Return the prediction intervals of a completed run: by CV+ if it has folds, else from theory.

    Raises:
        InputError: the run has none, or a file of it is damaged.
    """
    config = load_config(run)
    if is_resampled(config):
        return _cross_conformal(run, predictor, confidence, config)
    analysis = load_optimum(run, read_analysis)
    found = intervals(predictor, analysis, confidence, exact=is_exact(config), name=str(run))
    if len(found.errors.means) != predictor.n_features or len(found.errors.residual_std_error) != predictor.n_outputs:
        raise InputError(f"{run / OPTIMUM} is damaged: it is of another model")
    return found


def _cross_conformal(
    run: Path, predictor: LinearPredictor, confidence: float, config: Mapping[str, Any]
) -> CrossConformal:
    node = config["resampling"]
    if not declared(node).is_exchangeable or node.get("repeats", 1) > 1:
        raise InputError(
            f"{run} has no prediction intervals: they need one partition into folds that are drawn of all examples: "
            f"{REMEDY}, of one repeat, or leave_one_out"
        )
    found = load_resampled_models(run, predictor)
    if found.errors is None:  # such a run keeps none
        raise InputError(f"{run} has no prediction intervals: its examples have weights, which new rows do not have")
    fold = load_fold(run, len(found.weight), len(found.errors))
    held_out = fold >= 0
    errors, fold = found.errors[held_out], fold[held_out]
    if len(errors) == 0 or not np.isfinite(errors).all() or not np.isfinite(found.coefficients).all():
        raise InputError(f"{run} has no prediction intervals: a fold diverged: use a smaller learning rate")
    models = replace(
        predictor, weight=found.weight.reshape(-1, predictor.n_features), bias=found.bias.reshape(-1),
        link="identity" if predictor.link == "softmax" else predictor.link,
    )  # fmt: skip
    return CrossConformal(models, predictor.n_outputs, predictor.task, errors, fold, confidence)


def intervals(
    predictor: LinearPredictor, analysis: StoredAnalysis | None, confidence: float, *, exact: bool,
    name: str = "the run",
) -> TheoryIntervals:  # fmt: skip
    """Return the prediction intervals of a model from theory.

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
    """Return in one line why a model has no prediction intervals from theory, or None if it has some."""
    known = f"without folds they are known for squared error without a penalty, solved by optimizer=exact: {REMEDY}"
    if predictor.task == "classification":
        return f"it is a classifier without folds: {REMEDY}"
    if not exact:
        return f"it was trained by steps, and {known}"
    if analysis is None or "coefficients" not in analysis.tensors:
        return known if analysis is None or analysis.withheld is None else analysis.withheld
    if analysis.no_intervals is not None:
        return analysis.no_intervals
    if analysis.errors is None:
        return "it was solved by a linnet that did not keep what they need: train it again"
    return None
