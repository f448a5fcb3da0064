"""Gradient descent with momentum, Polyak's and Nesterov's."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Lt

from linnet.config.option_types import Needs
from linnet.optimizers.hyperparameter import Hyperparameter, add_scaled, along_models
from linnet.optimizers.optimizer import State, Tensors
from linnet.optimizers.update_rule import Numbers, UpdateRule


@dataclass(frozen=True)
class Momentum(UpdateRule):
    """SGD along a leaky sum of gradients: v ← momentum v + g, w ← w - lr v.

    With `nesterov`, w ← w - lr (g + momentum v) instead. As in `torch.optim.SGD`, the gradient enters v with
    weight 1, not 1 - momentum: the steady-state step is lr / (1 - momentum).

    Source: Dive into Deep Learning, section 12.6 (Momentum); Sutskever et al., On the importance of
    initialization and momentum in deep learning, 2013.

    Args:
        lr: learning rate in (0, inf), one number or `[K]`.
        momentum: decay of the velocity in [0, 1), one number or `[K]`.
        nesterov: look one step ahead; needs momentum above 0.

    Raises:
        ValueError: a hyperparameter is out of range.
    """

    lr: Annotated[Hyperparameter, Gt(0)]
    momentum: Annotated[Hyperparameter, Ge(0), Lt(1)]
    nesterov: Annotated[bool, Needs("momentum", 0.9)] = False

    def init(self, params: Tensors) -> State:
        return {"velocity": [torch.zeros_like(param) for param in params]}

    def numbers(self, step: Hyperparameter, factor: Hyperparameter) -> Numbers:
        rate = self.lr * factor
        return -rate, rate / (1 - self.momentum)

    def apply(self, params: Tensors, grads: Tensors, state: State, numbers: Numbers) -> None:
        scale = numbers[0]
        for param, grad, velocity in zip(params, grads, state["velocity"], strict=True):
            velocity.mul_(along_models(self.momentum, velocity)).add_(grad)
            if self.nesterov:
                add_scaled(grad, velocity, self.momentum)
                add_scaled(param, grad, scale)
            else:
                add_scaled(param, velocity, scale)

    def step_size_of(self, index: int, state: State, numbers: Numbers) -> Hyperparameter:
        return numbers[1]
