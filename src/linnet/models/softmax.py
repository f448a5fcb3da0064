"""Softmax regression (Dive into Deep Learning, chapter 4)."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from linnet.data import Examples
from linnet.data.target_spread import TargetSpread
from linnet.losses import CrossEntropy, Loss
from linnet.models.intervals import SHARES, Intervals, wilson_interval
from linnet.models.network import LinearNetwork
from linnet.models.running_metrics import AbsentClassMetrics, ClassificationMetrics, RunningMetrics


class SoftmaxRegression(LinearNetwork):
    """P(class) = softmax(weight x + bias). Arguments and shapes as in LinearNetwork.

    Metrics: accuracy, top2_accuracy, macro_f1, nll, calibration_error, predictive_entropy, kl_divergence.
    """

    task: ClassVar[str] = "classification"

    def default_loss(self) -> Loss:
        return CrossEntropy()

    def new_metrics(
        self, n_absent: int = 0, n_models: int | None = None, spread: TargetSpread | None = None
    ) -> RunningMetrics:
        k, n_classes, _ = self.weight.shape
        smoothing = getattr(self.loss, "label_smoothing", 0.0)
        given = k if n_models is None else n_models, n_classes, smoothing, self.weight
        return AbsentClassMetrics(*given, n_absent) if n_absent else ClassificationMetrics(*given)

    def intervals(self, metrics: Mapping[str, float], prediction: Tensor | None, examples: Examples) -> Intervals:
        return {key: wilson_interval(metrics[key], len(examples)) for key in SHARES}
