"""Adam."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Lt

from linnet.optimizers.hyperparameter import Hyperparameter, add_scaled_ratio, along_models
from linnet.optimizers.optimizer import State, Tensors
from linnet.optimizers.update_rule import Numbers, UpdateRule


@dataclass(frozen=True)
class Adam(UpdateRule):
    """Momentum over RMSprop, both freed of their start at zero.

    m ← beta1 m + (1 - beta1) g and s ← beta2 s + (1 - beta2) g²; at step t, with m̂ = m / (1 - beta1ᵗ) and
    ŝ = s / (1 - beta2ᵗ), w ← w - lr m̂ / (√ŝ + eps).

    Source: Dive into Deep Learning, section 12.10 (Adam); Kingma and Ba, Adam, 2015. Conventions are those of
    `torch.optim.Adam`.

    Args:
        lr: learning rate in (0, inf), one number or `[K]`.
        beta1: decay of the first moment m in [0, 1), one number or `[K]`.
        beta2: decay of the second moment s in [0, 1), one number or `[K]`.
        eps: keeps the quotient finite, in (0, inf), one number or `[K]`.

    Raises:
        ValueError: a hyperparameter is out of range.
    """

    lr: Annotated[Hyperparameter, Gt(0)]
    beta1: Annotated[Hyperparameter, Ge(0), Lt(1)] = 0.9
    beta2: Annotated[Hyperparameter, Ge(0), Lt(1)] = 0.999
    eps: Annotated[Hyperparameter, Gt(0)] = 1e-8

    def init(self, params: Tensors) -> State:
        return {
            "step": 0,
            "first_moment": [torch.zeros_like(param) for param in params],
            "second_moment": [torch.zeros_like(param) for param in params],
        }

    def numbers(self, step: Hyperparameter, factor: Hyperparameter) -> Numbers:
        # Both corrections are moved onto the scalars (end of section 2 of the paper), which saves a pass over
        # every tensor: lr m̂ / (√ŝ + eps) = (lr √c2 / c1) m / (√s + eps √c2), where c is 1 - betaᵗ.
        root_correction = (1 - self.beta2**step) ** 0.5
        rate = self.lr * factor * root_correction
        return -(rate / (1 - self.beta1**step)), self.eps * root_correction, rate

    def apply(self, params: Tensors, grads: Tensors, state: State, numbers: Numbers) -> None:
        scale, eps, _ = numbers[:3]
        for param, grad, first, second in zip(
            params, grads, state["first_moment"], state["second_moment"], strict=True
        ):
            first.lerp_(grad, along_models(1 - self.beta1, param))
            second.lerp_(grad.square_(), along_models(1 - self.beta2, param))
            root = torch.sqrt(second, out=grad).add_(along_models(eps, param))
            add_scaled_ratio(param, first, root, scale)

    def step_size_of(self, index: int, state: State, numbers: Numbers) -> Hyperparameter:
        _, eps, rate = numbers[:3]
        root = state["second_moment"][index].sqrt()
        root.add_(along_models(eps, root))
        return along_models(rate, root) / root
