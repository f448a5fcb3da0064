"""Log-cosh: a smooth loss between squared and absolute error."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from linnet.config.option_types import Positive
from linnet.losses.loss import Loss


@dataclass(frozen=True)
class LogCosh(Loss):
    """δ² log cosh(r/δ) per output, with residual r = p − y: about ½r² where |r| ≪ δ, and δ|r| − δ² log 2 where |r| ≫ δ.

    The derivative is δ tanh(r/δ), below δ like that of Huber's loss, and the second derivative 1/cosh²(r/δ) has no
    jumps.

    Args:
        delta: residual around which the parabola turns into a line, in units of the target; in (0, inf).

    Raises:
        ValueError: delta out of range.

    Source: Green, "Bayesian reconstructions from emission tomography data using a modified EM algorithm", IEEE
    Transactions on Medical Imaging 9 (1990).
    """

    task: ClassVar[str] = "regression"
    delta: Positive = 1.0

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        signed = (prediction - target) / self.delta
        z = signed.abs()
        # Each form keeps its digits on its side of 1: ½ log(1 + sinh² z), and z − log 2 + log(1 + exp(−2z)). The first
        # is of the signed number, since autograd's second derivative of |z| is 0 at 0.
        near = 0.5 * torch.log1p(torch.sinh(signed.clamp(-1, 1)).square())
        far = z - math.log(2) + torch.log1p(torch.exp(-2 * z))
        return self.delta**2 * torch.where(z < 1, near, far).sum(-1)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return self.delta * torch.tanh((prediction - target) / self.delta)
