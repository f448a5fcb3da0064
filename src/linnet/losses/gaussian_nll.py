"""Negative log-likelihood of Gaussian noise of known width."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from linnet.config.option_types import Positive
from linnet.losses.loss import Loss


@dataclass(frozen=True)
class GaussianNLL(Loss):
    """−log N(y; p, σ²) = ½(p − y)²/σ² + ½log(2πσ²) per output, in nats.

    Why least squares: suppose y = wᵀx + b + ε with noise ε ~ N(0, σ²). The negative log-likelihood of the data is
    the sum of this expression over examples, and in it w and b appear only in Σ(p − y)². Whatever σ is, the
    maximum-likelihood weights are therefore those of least squares (Dive into Deep Learning, 3.1.3). Training with
    this loss equals training with `SquaredError` at learning rate lr/σ²; what it adds is a value that can be
    compared between noise models.

    Args:
        sigma: standard deviation of the noise, in units of the target; in (0, inf).

    Raises:
        ValueError: sigma out of range.
    """

    task: ClassVar[str] = "regression"
    sigma: Positive = 1.0

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        # ½log(2πσ²), written so that a tiny σ is not squared to zero.
        constant = 0.5 * math.log(2 * math.pi) + math.log(self.sigma)
        return (0.5 * ((prediction - target) / self.sigma).square() + constant).sum(-1)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return (prediction - target) / self.sigma**2
