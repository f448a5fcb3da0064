"""The library twins: `torch.optim` behind the interface of the optimizers written here.

A twin takes plain numbers only, and so the same hyperparameters for all K models. It has no `step_size`, hence
no l1 penalty.
"""

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from linnet.config.option_types import Fraction, Needs, NonNegative, Positive
from linnet.optimizers.hyperparameter import Hyperparameter
from linnet.optimizers.optimizer import Optimizer, State, Tensors


class TorchOptimizer(Optimizer):
    """Adapter from `torch.optim`; the state holds the library's optimizer, made over the very tensors of `init`."""

    has_proximal_step: ClassVar[bool] = False
    trains_many: ClassVar[bool] = False

    @abstractmethod
    def _over(self, params: Tensors) -> torch.optim.Optimizer:
        """Return the library's optimizer over `params`."""

    def init(self, params: Tensors) -> State:
        return {"optimizer": self._over(params)}

    def update(self, params: Tensors, grads: Tensors, state: State, factor: Hyperparameter = 1.0) -> None:
        optimizer = scaled_optimizer(state, params, factor)
        set_gradients(params, grads)
        optimizer.step()

    def step_size(self, index: int, state: State, factor: Hyperparameter = 1.0) -> Hyperparameter:
        """Refuse: `torch.optim` does not tell the step it took.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{type(self).__name__} has no proximal step; an l1 penalty needs an optimizer of linnet's")

    def state_dict(self, state: State) -> dict[str, Any]:
        return copy.deepcopy(state["optimizer"].state_dict())

    def load_state_dict(self, state: State, saved: dict[str, Any]) -> None:
        state["optimizer"].load_state_dict(copy.deepcopy(saved))


@dataclass(frozen=True)
class TorchSGD(TorchOptimizer):
    """`torch.optim.SGD`, the twin of `SGD` (momentum 0) and `Momentum`; arguments as there."""

    lr: Positive
    momentum: Fraction = 0.0
    nesterov: Annotated[bool, Needs("momentum", 0.9)] = False

    def _over(self, params: Tensors) -> torch.optim.Optimizer:
        return torch.optim.SGD(params, lr=self.lr, momentum=self.momentum, nesterov=self.nesterov)


@dataclass(frozen=True)
class TorchAdam(TorchOptimizer):
    """`torch.optim.Adam`, the twin of `Adam`; arguments as there."""

    lr: Positive
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Positive = 1e-8

    def _over(self, params: Tensors) -> torch.optim.Optimizer:
        return torch.optim.Adam(params, lr=self.lr, betas=(self.beta1, self.beta2), eps=self.eps)


@dataclass(frozen=True)
class TorchAdamW(TorchAdam):
    """`torch.optim.AdamW`, the twin of `AdamW`; arguments as there. Decays the weight, never the bias."""

    weight_decay: NonNegative = 0.01

    def _over(self, params: Tensors) -> torch.optim.Optimizer:
        groups: list[dict[str, Any]] = [
            {"params": params[:1], "weight_decay": self.weight_decay},
            {"params": params[1:], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.lr, betas=(self.beta1, self.beta2), eps=self.eps)


class MadeOptimizer(TorchOptimizer):
    """An optimizer of torch, or of the same base class, that a function of the parameters makes.

    Args:
        make: `torch.optim.Adam`, `partial(torch.optim.SGD, lr=0.1)`, `lambda params: …`.

    Raises:
        ValueError: it makes something else, or an optimizer that steps by a closure, or that has no lr.
    """

    def __init__(self, make: Callable[[Tensors], torch.optim.Optimizer]) -> None:
        self.make = make
        made = make([torch.zeros(1)])
        name = type(made).__name__
        if not isinstance(made, torch.optim.Optimizer):
            raise ValueError(f"optimizer makes a {name}: expected an optimizer of torch")
        if isinstance(made, torch.optim.LBFGS):
            raise ValueError("torch.optim.LBFGS steps by a closure: use optimizer=torch_lbfgs")
        if "lr" not in made.defaults:
            raise ValueError(f"{name} has no lr, which schedules multiply")
        self.lr = float(made.defaults["lr"])

    def _over(self, params: Tensors) -> torch.optim.Optimizer:
        return self.make(params)


class AnyTorchOptimizer(MadeOptimizer):
    """An optimizer of `torch.optim`, or of the same base class, with options of its own.

    Args:
        kind: the class.
        options: its keyword arguments.

    Raises:
        ValueError: it steps by a closure, or refuses the options.
    """

    def __init__(self, kind: type[torch.optim.Optimizer], options: Mapping[str, Any]) -> None:
        super().__init__(partial(kind, **options))


def scaled_optimizer(state: State, params: Tensors, factor: Hyperparameter) -> torch.optim.Optimizer:
    """Return the library's optimizer with its learning rate times `factor`.

    Raises:
        ValueError: it was made over other tensors than `params`, or `factor` differs between models.
    """
    optimizer: torch.optim.Optimizer = state["optimizer"]
    held = [param for group in optimizer.param_groups for param in group["params"]]
    # Other tensors would be left as they are without a word: the library would see parameters with no gradient.
    if len(held) != len(params) or any(ours is not theirs for ours, theirs in zip(params, held, strict=True)):
        raise ValueError("a torch.optim twin must be given the tensors that its state was made for")
    if isinstance(factor, Tensor) and factor.numel() != 1:
        raise ValueError(f"a torch.optim twin takes one schedule factor for all models, got {factor.numel()}")
    for group in optimizer.param_groups:
        group["lr"] = optimizer.defaults["lr"] * float(factor)
    return optimizer


def set_gradients(params: Tensors, grads: Tensors) -> None:
    """Put each gradient where `torch.optim` looks for it."""
    for param, grad in zip(params, grads, strict=True):
        param.grad = grad.contiguous()  # LBFGS flattens by `view`
