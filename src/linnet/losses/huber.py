"""Huber's loss: squared error for small residuals, absolute error for large ones."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from linnet.config.option_types import Positive
from linnet.losses.loss import Loss


@dataclass(frozen=True)
class Huber(Loss):
    """Per output, with residual r = p − y:  ½r² where |r| ≤ δ,  δ(|r| − ½δ) elsewhere.

    This is the convention of torch's `HuberLoss(delta)`; `SmoothL1Loss(beta)` is the same divided by its beta.
    The derivative is r clipped to [−δ, δ], so no outlier pulls harder than one at distance δ.

    Args:
        delta: residual at which the parabola turns into a line, in units of the target; in (0, inf).

    Raises:
        ValueError: delta out of range.

    Source: Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35 (1964).
    """

    task: ClassVar[str] = "regression"
    delta: Positive = 1.0

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        residual = prediction - target
        # c = r inside:            c(r − ½c) = ½r²
        # c = δ sign(r) outside:   c(r − ½c) = δ(|r| − ½δ)
        clipped = residual.clamp(-self.delta, self.delta)
        return (clipped * (residual - 0.5 * clipped)).sum(-1)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return (prediction - target).clamp(-self.delta, self.delta)
