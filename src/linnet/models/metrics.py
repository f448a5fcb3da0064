"""Metrics of a model, from all its predictions of one split."""

import torch
from torch import Tensor

from linnet.models.running_metrics import (
    CALIBRATION_BINS,
    ClassificationMetrics,
    RegressionMetrics,
    RunningMetrics,
    calibration_gap,
)


def regression_metrics(prediction: Tensor, target: Tensor) -> dict[str, float]:
    """Return mse, rmse, mae and r2; all outputs count alike, and none of them carries the ½ of the loss.

    Args:
        prediction: `[N, C]`.
        target: `[N, C]`.

    Returns:
        - `mse`, `rmse`, `mae`: mean over examples and outputs.
        - `r2`: 1 − Σ(prediction − target)² / Σ(target − mean)², the mean taken per output and both sums pooled over
          outputs (scikit-learn's `r2_score(multioutput="variance_weighted")`). It compares with predicting the mean,
          so it is nan where every output of `target` is constant.

    Raises:
        ValueError: the shapes differ, are not `[N, C]`, or hold no example.
    """
    if prediction.shape != target.shape or prediction.ndim != 2:
        raise ValueError(
            f"prediction and target must both be [N, C], got {list(prediction.shape)} and {list(target.shape)}"
        )
    _require_examples(prediction)
    running = RegressionMetrics()
    running.update(prediction[None], target)
    return as_floats(running)[0]


def classification_metrics(logits: Tensor, target: Tensor, label_smoothing: float = 0.0) -> dict[str, float]:
    """Return accuracy, confidence and calibration metrics of a softmax classifier.

    All are finite for finite float32 logits, however large.

    Args:
        logits: `[N, C]` with C >= 2.
        target: `[N]`, int64 classes in [0, C).
        label_smoothing: ε in [0, 1], the smoothing of the labels that the model was trained towards.

    Returns:
        - `accuracy`: share of examples whose class has the highest logit.
        - `top2_accuracy`: share of examples whose class is among the two highest.
        - `macro_f1`: F1 per class, averaged over the classes that occur in `target` or among the predictions
          (scikit-learn's `f1_score(average="macro")`).
        - `nll`: mean −log p of the true class, in nats.
        - `calibration_error`: see `expected_calibration_error`.
        - `predictive_entropy`: mean entropy of the predicted distribution, in nats; at most log C.
        - `kl_divergence`: mean KL(label distribution ‖ prediction) in nats, where the label distribution gives
          1 − ε + ε/C to the true class and ε/C to every other. Equals `nll` for ε = 0; unlike the smoothed
          cross-entropy, its lowest value is 0 for every ε.

    Raises:
        ValueError: wrong shapes, no example, fewer than two classes, or `label_smoothing` outside [0, 1].
        RuntimeError: a target outside [0, C).
    """
    if logits.ndim != 2 or target.shape != logits.shape[:1]:
        raise ValueError(f"logits must be [N, C] and target [N], got {list(logits.shape)} and {list(target.shape)}")
    _require_examples(logits)
    n_classes = logits.shape[1]
    if n_classes < 2:
        raise ValueError(f"classification needs at least 2 classes, got logits {list(logits.shape)}")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be in [0, 1], got {label_smoothing}")

    running = ClassificationMetrics(1, n_classes, label_smoothing, logits)
    running.update(logits[None], target)
    return as_floats(running)[0]


def expected_calibration_error(confidence: Tensor, correct: Tensor, bins: int = CALIBRATION_BINS) -> Tensor:
    """Return the expected calibration error: mean |confidence − accuracy| over bins of equal width in confidence.

    Σ_b (n_b / N) |accuracy_b − confidence_b|, where bin b holds the confidences in [b/bins, (b+1)/bins) and the last
    one also 1 (Guo et al. 2017, "On Calibration of Modern Neural Networks"; torchmetrics instead gives confidence 1
    a bin of its own).

    Args:
        confidence: `[N]`, probability of the predicted class.
        correct: `[N]`, whether the prediction was right.
        bins: number of bins, at least 1.

    Returns:
        Scalar float64 in [0, 1]; nan if any confidence is nan.
    """
    # Per bin, n_b cancels: only the sum of (correct − confidence) is needed.
    gap = calibration_gap(confidence[None], correct[None], bins)[0]
    return gap.abs().sum() / confidence.shape[0]


def as_floats(running: RunningMetrics) -> list[dict[str, float]]:
    """Return the metrics of each model as plain numbers, fetched from the device at once."""
    metrics = running.compute()
    numbers = torch.stack([value.double() for value in metrics.values()], dim=1).tolist()
    return [dict(zip(metrics, row, strict=True)) for row in numbers]


def _require_examples(values: Tensor) -> None:
    if values.numel() == 0:
        raise ValueError(f"metrics need at least one example, got shape {list(values.shape)}")
