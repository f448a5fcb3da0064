"""Absolute error, the loss of least absolute deviations."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from linnet.losses.loss import Loss


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """|p − y| per output, in units of the target.

    Minimised by the conditional median, so a few outliers move the fit little; it is the negative log-likelihood
    of Laplace noise up to scale and constant (Dive into Deep Learning, 3.1, exercise on exponential noise).
    The derivative is sign(p − y). At p = y any number in [−1, 1] is a subgradient; 0 is taken, so that a
    perfect fit stays where it is.
    """

    task: ClassVar[str] = "regression"

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return (prediction - target).abs().sum(-1)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return (prediction - target).sign()
