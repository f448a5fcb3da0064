"""Metrics of a single model from all its predictions at once, by the running metrics of linnet."""

from torch import Tensor

from linnet.models.running_metrics import (
    CALIBRATION_BINS,
    ClassificationMetrics,
    RegressionMetrics,
    calibration_gap,
)


def regression_metrics(prediction: Tensor, target: Tensor) -> dict[str, float]:
    """Return mse, rmse, mae and r2 of predictions `[N, C]` of targets `[N, C]`."""
    running = RegressionMetrics()
    running.update(prediction[None], target)
    return running.compute()[0]


def classification_metrics(logits: Tensor, target: Tensor, label_smoothing: float = 0.0) -> dict[str, float]:
    """Return the metrics of logits `[N, C]` for classes `[N]`."""
    running = ClassificationMetrics(1, logits.shape[1], label_smoothing, logits)
    running.update(logits[None], target)
    return running.compute()[0]


def expected_calibration_error(confidence: Tensor, correct: Tensor, bins: int = CALIBRATION_BINS) -> Tensor:
    """Return Σ_b (n_b / N) |accuracy_b − confidence_b|, of which n_b cancels in each bin."""
    return calibration_gap(confidence[None], correct[None], bins)[0].abs().sum() / confidence.shape[0]
