"""Stochastic gradient descent."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from linnet.optimizers.hyperparameter import Hyperparameter, add_scaled
from linnet.optimizers.optimizer import State, Tensors
from linnet.optimizers.update_rule import Numbers, UpdateRule


@dataclass(frozen=True)
class SGD(UpdateRule):
    """Minibatch stochastic gradient descent: w ← w - lr g.

    Source: Dive into Deep Learning, section 12.4 (Stochastic Gradient Descent).

    Args:
        lr: learning rate in (0, inf), one number or `[K]`.

    Raises:
        ValueError: `lr` is out of range.
    """

    lr: Annotated[Hyperparameter, Gt(0)]

    def init(self, params: Tensors) -> State:
        return {}

    def numbers(self, step: Hyperparameter, factor: Hyperparameter) -> Numbers:
        return (-(self.lr * factor),)

    def apply(self, params: Tensors, grads: Tensors, state: State, numbers: Numbers) -> None:
        (scale,) = numbers
        for param, grad in zip(params, grads, strict=True):
            add_scaled(param, grad, scale)

    def step_size_of(self, index: int, state: State, numbers: Numbers) -> Hyperparameter:
        return -numbers[0]
