"""Stochastic gradient descent."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from linnet.optimizers.hyperparameter import Hyperparameter, add_scaled
from linnet.optimizers.optimizer import Optimizer, State, Tensors


@dataclass(frozen=True)
class SGD(Optimizer):
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

    def update(self, params: Tensors, grads: Tensors, state: State, factor: Hyperparameter = 1.0) -> None:
        lr = self.lr * factor
        for param, grad in zip(params, grads, strict=True):
            add_scaled(param, grad, -lr)

    def step_size(self, index: int, state: State, factor: Hyperparameter = 1.0) -> Hyperparameter:
        return self.lr * factor
