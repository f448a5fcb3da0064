"""Cross-entropy as its definition reads, kept to show where that fails."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from linnet.config.option_types import Fraction
from linnet.losses.cross_entropy import expectation, subtract_labels_
from linnet.losses.loss import Link, Loss


@dataclass(frozen=True)
class CrossEntropyNaive(Loss):
    """−Σ_c q_c log p_c with p = exp(o) / Σ_j exp(o_j), computed in that order; in nats.

    Equal to `CrossEntropy` while logits are small. In float32 exp(o) is infinite above o ≈ 88.7 (float64: 709.8),
    and ∞/∞ is NaN; below o ≈ −103 it is 0, and −log 0 is infinite. Nothing here hides that: it is the failure
    that Dive into Deep Learning, 4.5.2, avoids by taking softmax and cross-entropy together. For teaching and
    comparison; train with `CrossEntropy`.

    Args:
        label_smoothing: ε in q = (1 − ε) onehot(y) + ε/C, in [0, 1).

    Raises:
        ValueError: label_smoothing out of range.
    """

    task: ClassVar[str] = "classification"
    link: ClassVar[Link] = "softmax"
    label_smoothing: Fraction = 0.0

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return -expectation(self.mean(prediction).log().transpose(1, 2), target, self.label_smoothing)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return subtract_labels_(self.mean(prediction).transpose(1, 2), target, self.label_smoothing).transpose(1, 2)

    def mean(self, prediction: Tensor) -> Tensor:
        """Return class probabilities, `[K, B, C]`, NaN where an exponential overflowed."""
        exponential = prediction.exp()
        return exponential / exponential.sum(-1, keepdim=True)
