"""Anybody's loss of single examples as a loss of K models."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from linnet.losses.torch_twins import TorchLoss
from linnet.system.errors import InputError


class OwnLoss(TorchLoss):
    """A loss whose value is a method of an object of another module, mapped over the models.

    Args:
        part: has `task`, "regression" or "classification", and `value(prediction, target)`, which takes predictions
            `[B, C]` and targets `[B, C]`, of classes `[B]`, and returns the loss of each example `[B]`. It may have
            `gradient(prediction, target)`, the derivative by the prediction `[B, C]`; without it autograd's is used.
    """

    def __init__(self, part: Any) -> None:
        self.part = part
        self.task = part.task  # type: ignore[misc]
        self.link = getattr(part, "link", "softmax" if part.task == "classification" else "identity")  # type: ignore[misc]
        self.shift_invariant = getattr(part, "shift_invariant", False)  # type: ignore[misc]
        self.needs_autograd = not hasattr(part, "gradient")  # type: ignore[misc]

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        value = _of_each_model(self.part.value, prediction, target)
        if value.shape != prediction.shape[:2]:
            raise InputError(
                f"{type(self.part).__name__}.value returns shape {list(value.shape[1:])} for {prediction.shape[1]} "
                f"examples: expected one number for each"
            )
        return value

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        if self.needs_autograd:
            return super().gradient(prediction, target)
        self.check(prediction, target)
        return _of_each_model(self.part.gradient, prediction, target)

    def value_and_gradient(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        if self.needs_autograd:
            return super().value_and_gradient(prediction, target)
        return self.value(prediction, target), self.gradient(prediction, target)

    def of_each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each example `[N]`: of several outputs it need not be the sum of theirs."""
        if self.task == "classification":
            return super().of_each(prediction, target)
        if prediction.shape != target.shape:
            raise ValueError(
                f"prediction of shape {list(prediction.shape)} and target of shape {list(target.shape)}: expected the "
                f"same shape, nothing is broadcast"
            )
        shape = (1, len(prediction), -1)
        return self.value(prediction.reshape(shape), target.to(prediction.dtype).reshape(shape[1:]))[0]

    def mean(self, prediction: Tensor) -> Tensor:
        return prediction.softmax(-1) if self.link == "softmax" else super().mean(prediction)


def _of_each_model(function: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, target: Tensor) -> Tensor:
    """Return a function of `[B, C]` for each of K models, stacked."""
    if len(prediction) == 1:
        return function(prediction[0], target)[None]
    return torch.func.vmap(function, in_dims=(0, None))(prediction, target)
