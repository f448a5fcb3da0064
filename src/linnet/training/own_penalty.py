"""A penalty of another module as a penalty of K models."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from linnet.optimizers.hyperparameter import Hyperparameter, along_models
from linnet.penalties import Penalty
from linnet.system.errors import InputError


class OwnPenalty(Penalty):
    """A penalty whose value is a method of an object of another module; its optimum is not known.

    Args:
        parts: one object for each of K models, of one class. It has `value(weight)`, which takes `[C, D]` and returns
            one number. Its gradient is autograd's; or it has `prox(weight, step)`, which returns the minimiser `[C, D]`
            of step · value(W) + ½ ‖W − weight‖², and each update is followed by that instead.
    """

    needs_autograd: ClassVar[bool] = True
    is_elastic_net: ClassVar[bool] = False

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = list(parts)

    @property
    def part(self) -> Any:
        """Return the object of the first model."""
        return self.parts[0]

    @property
    def name(self) -> str:
        """Return the name of their class."""
        return type(self.part).__name__

    @property
    def l1(self) -> Hyperparameter:
        raise InputError(f"the best possible objective with the penalty {self.name} is not known")

    @property
    def l2(self) -> Hyperparameter:
        return self.l1

    @property
    def proximal(self) -> bool:
        return hasattr(self.part, "prox")

    def value(self, weight: Tensor) -> Tensor:
        values = [torch.as_tensor(part.value(each)) for part, each in zip(self.parts, weight, strict=True)]
        if values[0].shape != ():
            raise InputError(f"{self.name}.value returns shape {list(values[0].shape)}: expected one number")
        return torch.stack(values)

    def smooth_value(self, weight: Tensor) -> Tensor:
        return weight.new_zeros(len(weight)) if self.proximal else self.value(weight)

    def add_gradient(self, weight: Tensor, grad: Tensor) -> None:
        if not self.proximal:
            with torch.enable_grad():
                leaf = weight.detach().requires_grad_()
                grad.add_(torch.autograd.grad(self.value(leaf).sum(), leaf)[0])

    @torch.no_grad()
    def proximal_step(self, weight: Tensor, step: Hyperparameter) -> None:
        if not self.proximal:
            return
        steps = along_models(step, weight)
        if isinstance(steps, Tensor) and steps.numel() not in (1, len(weight)):
            raise InputError(
                f"{self.name}.prox takes one step size, and this optimizer has one for each weight: use sgd"
            )
        sizes = torch.as_tensor(steps, dtype=torch.float64).flatten().expand(len(weight)).tolist()
        for part, each, size in zip(self.parts, weight, sizes, strict=True):
            each.copy_(part.prox(each.clone(), size))
