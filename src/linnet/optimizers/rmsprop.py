"""RMSprop."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Lt

from linnet.optimizers.hyperparameter import Hyperparameter, add_scaled_ratio, along_models
from linnet.optimizers.optimizer import State, Tensors
from linnet.optimizers.update_rule import Numbers, UpdateRule


@dataclass(frozen=True)
class RMSprop(UpdateRule):
    """Adagrad with a running average: s ← alpha s + (1 - alpha) g², w ← w - lr g / (√s + eps).

    Source: Dive into Deep Learning, section 12.8 (RMSProp); Tieleman and Hinton, Coursera lecture 6.5, 2012.
    As in `torch.optim.RMSprop`, and unlike the book, eps stands outside the root.

    Args:
        lr: learning rate in (0, inf), one number or `[K]`.
        alpha: decay of the running average in [0, 1), one number or `[K]`.
        eps: keeps the quotient finite, in (0, inf), one number or `[K]`.

    Raises:
        ValueError: a hyperparameter is out of range.
    """

    lr: Annotated[Hyperparameter, Gt(0)]
    alpha: Annotated[Hyperparameter, Ge(0), Lt(1)] = 0.99
    eps: Annotated[Hyperparameter, Gt(0)] = 1e-8

    def init(self, params: Tensors) -> State:
        return {"squared_mean": [torch.zeros_like(param) for param in params]}

    def numbers(self, step: Hyperparameter, factor: Hyperparameter) -> Numbers:
        return (-(self.lr * factor),)

    def apply(self, params: Tensors, grads: Tensors, state: State, numbers: Numbers) -> None:
        innovation = 1 - self.alpha
        for param, grad, squared_mean in zip(params, grads, state["squared_mean"], strict=True):
            scratch = grad * grad
            squared_mean.lerp_(scratch, along_models(innovation, param))
            root = torch.sqrt(squared_mean, out=scratch).add_(along_models(self.eps, param))
            add_scaled_ratio(param, grad, root, numbers[0])

    def step_size_of(self, index: int, state: State, numbers: Numbers) -> Hyperparameter:
        root = state["squared_mean"][index].sqrt()
        return along_models(-numbers[0], root) / root.add_(along_models(self.eps, root))
