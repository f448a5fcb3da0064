"""Squared error, the loss of least squares."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from linnet.losses.loss import Loss


@dataclass(frozen=True)
class SquaredError(Loss):
    """½(p − y)² per output, in squared units of the target.

    The ½ makes the derivative the residual p − y, as in Dive into Deep Learning (3.1.1.2) and Bishop's textbooks.
    torch's `MSELoss` and the metric `mse` have no ½: with them the same learning rate steps twice as far.
    """

    task: ClassVar[str] = "regression"

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return 0.5 * (prediction - target).square().sum(-1)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return prediction - target

    def value_and_gradient(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        residual = self.gradient(prediction, target)
        return 0.5 * residual.square().sum(-1), residual
