"""Metrics from running sums, updated batch by batch.

Predictions of all examples need not be in memory at once, and K models are counted together. Arithmetic is float64:
differences of float32 losses between epochs would otherwise sit at the edge of rounding.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from linnet.data.target_spread import TargetSpread

CALIBRATION_BINS = 15


class RunningMetrics(ABC):
    """Metrics of K models on the same examples."""

    def __init__(self) -> None:
        self.n = 0

    @abstractmethod
    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add B more examples.

        Args:
            prediction: `[K, B, C]`.
            target: `[B, C]` for regression, `[B]` classes for classification.
        """

    @abstractmethod
    def compute(self) -> list[dict[str, float]]:
        """Return the metrics of each model, of all examples so far."""


class RegressionMetrics(RunningMetrics):
    """mse, rmse and mae, means over examples and outputs without the ½ of the loss; and r2.

    r2 is 1 − Σ(prediction − target)² / Σ(target − mean)², the mean taken per output and both sums pooled over outputs
    (scikit-learn's `r2_score(multioutput="variance_weighted")`). It compares with predicting the mean, so it is nan
    where every output of the target is constant.

    Args:
        spread: of the targets of all examples that will be seen; None: it is taken from them as they come.
    """

    def __init__(self, spread: TargetSpread | None = None) -> None:
        super().__init__()
        self.squares: Tensor | float = 0.0  # [K], Σ (prediction − target)²
        self.absolute: Tensor | float = 0.0  # [K], Σ |prediction − target|
        self.spread, self.known = spread or TargetSpread(), spread is not None

    def update(self, prediction: Tensor, target: Tensor) -> None:
        error = prediction.double() - target.double()
        self.squares = self.squares + error.square().sum(dim=(1, 2))
        self.absolute = self.absolute + error.abs().sum(dim=(1, 2))
        if not self.known:
            self.spread.add(target)
        self.n += len(target)

    def compute(self) -> list[dict[str, float]]:
        assert isinstance(self.squares, Tensor) and isinstance(self.absolute, Tensor)
        numbers = self.n * self.spread.mean.numel()
        squares, absolute = torch.stack([self.squares, self.absolute]).tolist()
        spread = math.nan if self.spread.constant else float(self.spread.squares)
        found = []
        for square, distance in zip(squares, absolute, strict=True):
            mse = square / numbers
            found.append({"mse": mse, "rmse": math.sqrt(mse), "mae": distance / numbers, "r2": _r2(square, spread)})
        return found


def _r2(squares: float, spread: float) -> float:
    """Return 1 − squares / spread, of a spread that underflowed to 0 minus infinity or nan as in floating point."""
    if spread == 0:
        return -math.inf if squares > 0 else math.nan
    return 1 - squares / spread


class ClassificationMetrics(RunningMetrics):
    """Accuracy, confidence and calibration of a softmax classifier; finite for finite float32 logits, however large.

    - `accuracy`, `top2_accuracy`: share of examples whose class has the highest logit, or one of the two highest.
    - `macro_f1`: F1 per class, averaged over the classes that occur among targets or predictions (scikit-learn's
      `f1_score(average="macro")`).
    - `nll`: mean −log p of the true class; `predictive_entropy`: mean entropy of the prediction; in nats.
    - `calibration_error`: Σ_b (n_b / N) |accuracy_b − confidence_b| over bins of equal width in confidence (Guo et al.,
      "On Calibration of Modern Neural Networks", 2017; torchmetrics gives confidence 1 a bin of its own).
    - `kl_divergence`: mean KL(label distribution ‖ prediction) in nats, where the label distribution gives 1 − ε + ε/C
      to the true class and ε/C to every other. Equals `nll` for ε = 0; unlike the smoothed cross-entropy, its lowest
      value is 0 for every ε.

    Args:
        n_models: K.
        n_classes: C.
        label_smoothing: ε in [0, 1].
        like: a tensor on the device of the predictions.
    """

    def __init__(self, n_models: int, n_classes: int, label_smoothing: float, like: Tensor) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        zeros = like.new_zeros(n_models, dtype=torch.float64)
        self.correct, self.top2, self.nll, self.entropy, self.log_probability = (zeros.clone() for _ in range(5))
        # Per class: how often it was true, was predicted, was both.
        self.true, self.predicted, self.both = (zeros.new_zeros(n_models, n_classes) for _ in range(3))
        self.calibration_gap = zeros.new_zeros(n_models, CALIBRATION_BINS)

    def update(self, prediction: Tensor, target: Tensor) -> None:
        # [K, C, B], as in memory: operations along C take a seventh of the time. On a GPU it is as of `rows_first`.
        if prediction.is_cuda and prediction.is_contiguous():
            self.add(prediction, target, 2)
        else:
            self.add(prediction.transpose(1, 2), target, 1)

    def add(self, logits: Tensor, target: Tensor, axis: int) -> None:
        """Add logits `[K, B, C]` or `[K, C, B]`, whose classes are along this axis."""
        n_models, n_classes = self.true.shape
        log_probability = logits.double().log_softmax(dim=axis)
        probability = log_probability.exp()
        index = target.expand(n_models, -1).unsqueeze(axis)
        self.nll -= log_probability.gather(axis, index).sum(dim=(1, 2))
        self.entropy -= (probability * log_probability).sum(dim=(1, 2))
        if self.label_smoothing:
            self.log_probability += log_probability.sum(dim=(1, 2))

        # Ranked by logit, since distinct logits can share a rounded probability; ties go to the lower class. `max`
        # gives the indices that `argmax` gives, in a tenth of the time.
        best = logits.max(dim=axis).indices
        known = ~logits.isnan().any(dim=axis)  # logits of NaN predict no class
        runner_up = logits.scatter(axis, best.unsqueeze(axis), -math.inf).max(dim=axis).indices
        correct = (best == target) & known
        self.correct += correct.sum(dim=1)
        self.top2 += (correct | ((runner_up == target) & known)).sum(dim=1)
        self.true += torch.bincount(target, minlength=n_classes)
        self.predicted += _count(best, n_classes, known)
        self.both += _count(best, n_classes, correct)
        self.calibration_gap += calibration_gap(probability.amax(dim=axis), correct)
        self.n += len(target)

    def compute(self) -> list[dict[str, float]]:
        return _as_floats(self.tensors())

    def tensors(self) -> dict[str, Tensor]:
        """Return metric -> one number per model, `[K]` float64."""
        n, epsilon, n_classes = self.n, self.label_smoothing, self.true.shape[1]
        nll = self.nll / n
        # KL(q ‖ p) = Σ q log q − Σ q log p; the first sum is the same for every example.
        off = epsilon / n_classes
        negative_label_entropy = _x_log_x(1 - epsilon + off) + (n_classes - 1) * _x_log_x(off)
        cross_entropy = (1 - epsilon) * nll - epsilon * self.log_probability / (n * n_classes)
        occurring = (self.true + self.predicted) > 0
        f1 = 2 * self.both / (self.true + self.predicted).clamp(min=1)
        return {
            "accuracy": self.correct / n,
            "top2_accuracy": self.top2 / n,
            "macro_f1": f1.sum(dim=1) / occurring.sum(dim=1),
            "nll": nll,
            "calibration_error": self.calibration_gap.abs().sum(dim=1) / n,
            "predictive_entropy": self.entropy / n,
            "kl_divergence": cross_entropy + negative_label_entropy,
        }


def _as_floats(metrics: dict[str, Tensor]) -> list[dict[str, float]]:
    """Return the metrics of each model as plain numbers, fetched from the device at once."""
    numbers = torch.stack([value.double() for value in metrics.values()], dim=1).tolist()
    return [dict(zip(metrics, row, strict=True)) for row in numbers]


def calibration_gap(confidence: Tensor, correct: Tensor, bins: int = CALIBRATION_BINS) -> Tensor:
    """Return Σ (correct − confidence) in each bin [b/bins, (b+1)/bins) of confidence, the last one closed: `[K, bins]`.

    Args:
        confidence, correct: `[K, N]`.
    """
    sureness = confidence.double()
    # A nan may fall into any bin, it stays nan.
    index = (sureness.nan_to_num() * bins).long().clamp(0, bins - 1)
    return _count(index, bins, correct.double() - sureness)


def _count(index: Tensor, length: int, weights: Tensor | None = None) -> Tensor:
    """Return the sum of weights (1 by default) by index, for each model: `[K, N]` -> `[K, length]` float64."""
    n_models = index.shape[0]
    offset = torch.arange(n_models, device=index.device).unsqueeze(1) * length
    flat = None if weights is None else weights.double().flatten()
    return torch.bincount((index + offset).flatten(), flat, n_models * length).view(n_models, length).double()


def _x_log_x(x: float) -> float:
    return x * math.log(x) if x > 0 else 0.0


IMPOSSIBLE = 1e4
"""How far the logit of a class that the model does not have lies below the others: its probability is 0 in float64."""
OF_PROBABILITY = ("nll", "kl_divergence")
"""Metrics that need the probability of the true class: of examples of the model's own classes only."""


class AbsentClassMetrics(RunningMetrics):
    """Compute classification metrics where targets below 0 stand for absent classes.

    They count as wrong in accuracy, F1 and calibration, and are left out of nll and kl_divergence.

    Args:
        n_models, n_classes, label_smoothing, like: as of `ClassificationMetrics`.
        n_absent: absent classes that occur, each of which has F1 = 0.
    """

    def __init__(self, n_models: int, n_classes: int, label_smoothing: float, like: Tensor, n_absent: int) -> None:
        super().__init__()
        self.n_classes, self.n_absent = n_classes, n_absent
        self.known = ClassificationMetrics(n_models, n_classes, label_smoothing, like)
        self.all = ClassificationMetrics(n_models, n_classes + 1, 0.0, like)  # one output stands for all absent classes

    def update(self, prediction: Tensor, target: Tensor) -> None:
        known = target >= 0
        if bool(known.any()):
            self.known.update(prediction[:, known], target[known])
        lowest = prediction.amin(dim=2, keepdim=True).double()
        wider = torch.cat([prediction.double(), lowest - lowest.abs() - IMPOSSIBLE], dim=2)
        self.all.update(wider, torch.where(known, target, self.n_classes))
        self.n += len(target)

    def compute(self) -> list[dict[str, float]]:
        metrics, of_known = self.all.tensors(), self.known.tensors()
        occurring = ((self.all.true + self.all.predicted) > 0).sum(dim=1)  # the absent classes count as one
        metrics["macro_f1"] = metrics["macro_f1"] * occurring / (occurring - 1 + self.n_absent)
        return _as_floats({**metrics, **{key: of_known[key] for key in OF_PROBABILITY}})
