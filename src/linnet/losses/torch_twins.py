"""The same losses from `torch.nn.functional`, with derivatives by autograd: the reference, selectable from config.

A twin takes its numbers, their ranges and its `mean` from the loss that it stands beside; value and gradient
are torch's own.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from linnet.losses.absolute_error import AbsoluteError
from linnet.losses.cross_entropy import CrossEntropy
from linnet.losses.gaussian_nll import GaussianNLL
from linnet.losses.huber import Huber
from linnet.losses.loss import Loss
from linnet.losses.poisson_nll import PoissonNLL
from linnet.losses.squared_error import SquaredError


class TorchLoss(Loss):
    """A loss whose gradient is autograd's, of its own value; works under `torch.no_grad` as well."""

    needs_autograd: ClassVar[bool] = True

    @abstractmethod  # again: a twin that forgot its value must not pass for the loss beside it
    def value(self, prediction: Tensor, target: Tensor) -> Tensor: ...

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        return self.value_and_gradient(prediction, target)[1]

    def value_and_gradient(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = prediction.detach().requires_grad_()
            value = self.value(leaf, target)
            # Examples do not share predictions, so the derivative of the sum holds that of every example.
            (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), gradient


@dataclass(frozen=True)
class TorchSquaredError(TorchLoss, SquaredError):
    """`F.mse_loss`, halved: torch writes the squared error without ½."""

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return 0.5 * F.mse_loss(prediction, target.expand_as(prediction), reduction="none").sum(-1)


@dataclass(frozen=True)
class TorchAbsoluteError(TorchLoss, AbsoluteError):
    """`F.l1_loss`."""

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return F.l1_loss(prediction, target.expand_as(prediction), reduction="none").sum(-1)


@dataclass(frozen=True)
class TorchHuber(TorchLoss, Huber):
    """`F.huber_loss`; arguments as for `Huber`."""

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return F.huber_loss(prediction, target.expand_as(prediction), reduction="none", delta=self.delta).sum(-1)


@dataclass(frozen=True)
class TorchGaussianNLL(TorchLoss, GaussianNLL):
    """`F.gaussian_nll_loss` with its constant; arguments as for `GaussianNLL`."""

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        variance = torch.full_like(prediction, self.sigma**2)
        smallest = torch.finfo(prediction.dtype).tiny  # torch's default floor of 1e-6 would replace a small sigma
        observed = target.expand_as(prediction)
        return F.gaussian_nll_loss(prediction, observed, variance, full=True, eps=smallest, reduction="none").sum(-1)


@dataclass(frozen=True)
class TorchPoissonNLL(TorchLoss, PoissonNLL):
    """`F.poisson_nll_loss` of a log rate, without its approximation to log y!."""

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return F.poisson_nll_loss(prediction, target, log_input=True, full=False, reduction="none").sum(-1)


@dataclass(frozen=True)
class TorchCrossEntropy(TorchLoss, CrossEntropy):
    """`F.cross_entropy`; arguments as for `CrossEntropy`."""

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        classes_second = prediction.transpose(1, 2)  # torch wants [K, C, B] against [K, B]
        labels = target.expand(prediction.shape[:2])
        return F.cross_entropy(classes_second, labels, reduction="none", label_smoothing=self.label_smoothing)
