"""Adagrad."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from linnet.optimizers.hyperparameter import Hyperparameter, add_scaled_ratio, along_models
from linnet.optimizers.optimizer import State, Tensors
from linnet.optimizers.update_rule import Numbers, UpdateRule


@dataclass(frozen=True)
class Adagrad(UpdateRule):
    """Steps that shrink with the gradients seen so far: s ← s + g², w ← w - lr g / (√s + eps).

    Source: Dive into Deep Learning, section 12.7 (Adagrad); Duchi, Hazan and Singer, Adaptive Subgradient
    Methods, 2011. As in `torch.optim.Adagrad`, and unlike the book, eps stands outside the root.

    Args:
        lr: learning rate in (0, inf), one number or `[K]`.
        eps: keeps the quotient finite, in (0, inf), one number or `[K]`.
        initial_accumulator: s before the first step, in [0, inf), one number or `[K]`.

    Raises:
        ValueError: a hyperparameter is out of range.
    """

    lr: Annotated[Hyperparameter, Gt(0)]
    eps: Annotated[Hyperparameter, Gt(0)] = 1e-10
    initial_accumulator: Annotated[Hyperparameter, Ge(0)] = 0.0

    def init(self, params: Tensors) -> State:
        start = self.initial_accumulator
        return {"squared_sum": [torch.zeros_like(param).add_(along_models(start, param)) for param in params]}

    def numbers(self, step: Hyperparameter, factor: Hyperparameter) -> Numbers:
        return (-(self.lr * factor),)

    def apply(self, params: Tensors, grads: Tensors, state: State, numbers: Numbers) -> None:
        for param, grad, squared_sum in zip(params, grads, state["squared_sum"], strict=True):
            squared_sum.addcmul_(grad, grad)
            add_scaled_ratio(param, grad, self._root(squared_sum), numbers[0])

    def step_size_of(self, index: int, state: State, numbers: Numbers) -> Hyperparameter:
        root = self._root(state["squared_sum"][index])
        return along_models(-numbers[0], root) / root

    def _root(self, squared_sum: Tensor) -> Tensor:
        return squared_sum.sqrt().add_(along_models(self.eps, squared_sum))
