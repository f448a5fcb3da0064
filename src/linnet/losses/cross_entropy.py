"""Softmax and cross-entropy, together and hence without overflow, with label smoothing.

A label y with smoothing ε means q = (1 − ε) onehot(y) + ε/C: probability ε is spread evenly over all C classes,
y among them (Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7; torch's convention). A
one-hot matrix as large as the logits would be the costliest thing in a training step, so q is only ever applied.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from linnet.config.option_types import Fraction
from linnet.losses.loss import Link, Loss

MANY = 2**16
"""Logits from which on one operation less saves time."""


def softmax(logits: Tensor, dim: int = -1) -> Tensor:
    """Return exp(o_c) / Σ_j exp(o_j) along `dim`: numbers in [0, 1] that sum to 1, of the same shape as the logits.

    Adding a constant to all logits changes nothing, so their maximum is subtracted first: the largest exponential
    is then exp(0) = 1, and none overflows (Dive into Deep Learning, 4.5.2).
    """
    _, exponential, total = _shifted_exponentials(logits, dim)
    return exponential / total


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """−Σ_c q_c log softmax(o)_c of logits o and label distribution q, in nats.

    With q = onehot(y) this is −log of the probability given to the label, and in logits log Σ_j exp(o_j) − o_y:
    no probability is ever computed that could round to 0 and have an infinite logarithm. With ô = o − max(o) the
    exponentials cannot overflow either (Dive into Deep Learning, 4.1.2 and 4.5.2). The derivative with respect to
    the logits is softmax(o) − q, predicted minus observed, as in linear regression.

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
        shifted, _, total = _shifted_exponentials(prediction.transpose(1, 2), 1)
        return total.log().squeeze(1) - expectation(shifted, target, self.label_smoothing)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return subtract_labels_(softmax(prediction.transpose(1, 2), 1), target, self.label_smoothing).transpose(1, 2)

    def value_and_gradient(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        # What `value` and `gradient` write out, in torch's single passes over the logits: in a training step of a small
        # model, each operation costs as much as its arithmetic. A softmax takes half the time of `exp`.
        self.check(prediction, target)
        if prediction.is_cuda and prediction.is_contiguous():
            return self._of_rows(prediction, target)
        logits = prediction.transpose(1, 2)
        probability, epsilon = logits.softmax(1), self.label_smoothing
        of_label = expectation(probability, target, 0.0) if self._is_worth_a_pass(logits) else None
        least = torch.finfo(logits.dtype).tiny / torch.finfo(logits.dtype).eps
        if of_label is not None and float(of_label.amin()) > least:  # as exact, unless a probability underflows
            value = of_label.log().neg_()
        else:
            value = -expectation(logits.log_softmax(1), target, epsilon)
        return value, subtract_labels_(probability, target, epsilon).transpose(1, 2)

    def _is_worth_a_pass(self, logits: Tensor) -> bool:
        """Return whether a pass over logits `[K, C, B]` takes longer than to look at the least probability of a label.

        On a GPU that is to wait for it, and autograd needs the probabilities unchanged.
        """
        return not (self.label_smoothing or logits.is_cuda or logits.requires_grad) and logits.numel() >= MANY

    def _of_rows(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return value and gradient of predictions `[K, B, C]` in this order of memory, in which a GPU is faster."""
        log_probability, probability = prediction.log_softmax(2), prediction.softmax(2)
        value = -expectation(log_probability.transpose(1, 2), target, self.label_smoothing)
        return value, subtract_labels_(probability.transpose(1, 2), target, self.label_smoothing).transpose(1, 2)

    def mean(self, prediction: Tensor) -> Tensor:
        """Return class probabilities softmax(o), `[K, B, C]`: the expected one-hot label."""
        return softmax(prediction)


def _shifted_exponentials(logits: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits less their maximum, the exponentials of those, and the sum of these along `dim`."""
    # No result depends on what is subtracted, so no derivative has to pass through the maximum.
    shifted = logits - logits.detach().amax(dim, keepdim=True)
    exponential = shifted.exp()
    return shifted, exponential, exponential.sum(dim, keepdim=True)


def expectation(scores: Tensor, target: Tensor, label_smoothing: float) -> Tensor:
    """Return Σ_c q_c s_c, `[K, B]`, of scores `[K, C, B]` under the distributions q of the labels `[B]`."""
    of_label = scores.gather(1, target.expand(scores.shape[0], 1, -1)).squeeze(1)
    if label_smoothing == 0:
        return of_label
    return (1 - label_smoothing) * of_label + label_smoothing * scores.mean(1)


def subtract_labels_(probability: Tensor, target: Tensor, label_smoothing: float) -> Tensor:
    """Turn probabilities `[K, C, B]` into probability − q, in place, for labels `[B]`."""
    if label_smoothing != 0:
        probability -= label_smoothing / probability.shape[1]
    return probability.scatter_(1, target.expand(probability.shape[0], 1, -1), label_smoothing - 1, reduce="add")
