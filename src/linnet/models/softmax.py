"""Softmax regression (Dive into Deep Learning, chapter 4)."""

from collections.abc import Mapping

from torch import Tensor

from linnet.losses import CrossEntropy, Loss
from linnet.models.metrics import classification_metrics
from linnet.models.network import LinearNetwork
from linnet.statistics import SHARES, Intervals, wilson_interval


class SoftmaxRegression(LinearNetwork):
    """P(class) = softmax(weight x + bias). Arguments and shapes as in LinearNetwork.

    Metrics: accuracy, top2_accuracy, macro_f1, nll, calibration_error, predictive_entropy, kl_divergence.
    """

    def default_loss(self) -> Loss:
        return CrossEntropy()

    def metrics(self, prediction: Tensor, y: Tensor) -> dict[str, float]:
        return classification_metrics(prediction, y, getattr(self.loss, "label_smoothing", 0.0))

    def intervals(self, figures: Mapping[str, float], prediction: Tensor, y: Tensor) -> Intervals:
        return {key: wilson_interval(figures[key], len(y)) for key in SHARES}
