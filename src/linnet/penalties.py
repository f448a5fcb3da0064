"""Penalties on the weight: the part of the objective that is not the loss.

The objective is the batch mean of the loss plus the penalty. The bias is never penalised, and the strength is not
scaled by the batch size. Every penalty here is an elastic net,

    l1 ‖W‖₁ + ½ l2 ‖W‖²

so the base class does the mathematics and each penalty names its two coefficients. The l2 term enters by its
gradient; the l1 term, which has none at zero, by a proximal step, so that weights become exactly zero.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor

from linnet.config.option_types import check_options
from linnet.optimizers.hyperparameter import Hyperparameter, add_scaled, along_models


class Penalty(ABC):
    """A penalty on the weights `[K, C, D]` of K models; coefficients are one number or `[K]`."""

    needs_proximal_step: ClassVar[bool] = False
    """Whether there can be an l1 part, which takes an optimizer with a proximal step."""
    needs_autograd: ClassVar[bool] = False
    """Whether `add_gradient` asks autograd."""
    is_elastic_net: ClassVar[bool] = True
    """Whether l1 and l2 are all there is to it, so that solvers know the objective."""

    def __post_init__(self) -> None:
        check_options(self)

    @property
    @abstractmethod
    def l1(self) -> Hyperparameter:
        """Coefficient of ‖W‖₁."""

    @property
    @abstractmethod
    def l2(self) -> Hyperparameter:
        """Coefficient of ½‖W‖²."""

    @property
    def proximal(self) -> bool:
        """Whether there is an l1 term, so that each update must be followed by `proximal_step`."""
        return not _is_zero(self.l1)

    def value(self, weight: Tensor) -> Tensor:
        """Return the whole penalty of `weight [K, C, D]`, one number per model: `[K]`."""
        smooth = self.smooth_value(weight)
        if _is_zero(self.l1):
            return smooth
        norm = weight.abs().sum(dim=(1, 2))
        return smooth + norm * along_models(self.l1, norm)

    def smooth_value(self, weight: Tensor) -> Tensor:
        """Return the differentiable part, ½ l2 ‖W‖², of `weight [K, C, D]`: `[K]`."""
        if _is_zero(self.l2):
            return weight.new_zeros(weight.shape[0])
        squared_norm = weight.square().sum(dim=(1, 2))
        return squared_norm * (0.5 * along_models(self.l2, squared_norm))

    def add_gradient(self, weight: Tensor, grad: Tensor) -> None:
        """Add the gradient of the differentiable part, l2 W, to `grad [K, C, D]`, under `torch.no_grad()`."""
        if not _is_zero(self.l2):
            add_scaled(grad, weight, self.l2)

    @torch.no_grad()
    def proximal_step(self, weight: Tensor, step: Hyperparameter) -> None:
        """Shrink `weight [K, C, D]` towards zero in place: w ← sign(w) max(|w| - step l1, 0).

        Source: Beck and Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm, 2009.

        Args:
            weight: the weight after the optimizer's update.
            step: the optimizer's `step_size`: one number, `[K]`, or a tensor that broadcasts to `weight`.
        """
        if not _is_zero(self.l1):
            threshold = along_models(step, weight) * along_models(self.l1, weight)
            weight.sub_(weight.clamp(-threshold, threshold))  # type: ignore[arg-type]  # the stub knows no union


def _is_zero(coefficient: Hyperparameter) -> bool:
    """Whether the coefficient is the number 0; a tensor is not looked into, which on a GPU would wait for it."""
    return not isinstance(coefficient, Tensor) and coefficient == 0


@dataclass(frozen=True)
class NoPenalty(Penalty):
    """No penalty: the objective is the loss."""

    l1 = 0.0
    l2 = 0.0


@dataclass(frozen=True)
class L2(Penalty):
    """Ridge, also called weight decay: λ/2 ‖W‖².

    Source: Dive into Deep Learning, section 3.7 (Weight Decay).

    Args:
        strength: λ in [0, inf), one number or `[K]`.

    Raises:
        ValueError: `strength` is out of range.
    """

    strength: Annotated[Hyperparameter, Ge(0)]

    l1 = 0.0

    @property
    def l2(self) -> Hyperparameter:
        return self.strength


@dataclass(frozen=True)
class L1(Penalty):
    """Lasso: λ ‖W‖₁, which sets weights to exactly zero.

    Source: Tibshirani, Regression Shrinkage and Selection via the Lasso, 1996.

    Args:
        strength: λ in [0, inf), one number or `[K]`.

    Raises:
        ValueError: `strength` is out of range.
    """

    needs_proximal_step: ClassVar[bool] = True

    strength: Annotated[Hyperparameter, Ge(0)]

    l2 = 0.0

    @property
    def l1(self) -> Hyperparameter:
        return self.strength


@dataclass(frozen=True)
class ElasticNet(Penalty):
    """A mixture of lasso and ridge: λ (r ‖W‖₁ + ½ (1 - r) ‖W‖²), as scikit-learn writes it.

    Source: Zou and Hastie, Regularization and Variable Selection via the Elastic Net, 2005.

    Args:
        strength: λ in [0, inf), one number or `[K]`.
        l1_ratio: r in [0, 1], one number or `[K]`; 1 is `L1` and 0 is `L2`.

    Raises:
        ValueError: a hyperparameter is out of range.
    """

    needs_proximal_step: ClassVar[bool] = True

    strength: Annotated[Hyperparameter, Ge(0)]
    l1_ratio: Annotated[Hyperparameter, Ge(0), Le(1)] = 0.5

    @property
    def l1(self) -> Hyperparameter:
        return self.strength * self.l1_ratio

    @property
    def l2(self) -> Hyperparameter:
        return self.strength * (1 - self.l1_ratio)
