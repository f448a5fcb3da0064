"""The library's limited-memory BFGS behind the interface of the optimizers written here."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from linnet.config.option_types import Count, Positive
from linnet.optimizers.hyperparameter import Hyperparameter
from linnet.optimizers.optimizer import Evaluate, State, Tensors
from linnet.optimizers.torch_optim import TorchOptimizer, scaled_optimizer, set_gradients


@dataclass(frozen=True)
class TorchLBFGS(TorchOptimizer):
    """`torch.optim.LBFGS`: limited-memory quasi-Newton steps, meant for full batches of one model.

    Each step evaluates the objective and its gradient up to 1.25 `max_iter` times. It ends early when no entry of the
    gradient exceeds 1e-7, as in the library, but not when the objective changes by less than 1e-9: that is reached
    some 1e-5 away from the optimum.

    Source: Liu and Nocedal, On the limited memory BFGS method for large scale optimization, 1989.

    Args:
        lr: length of the first trial step in (0, inf); 1 is Newton's.
        max_iter: iterations per update, in [1, inf).
        history_size: pairs kept for the curvature estimate, in [1, inf).
        line_search: "strong_wolfe", or None for steps of fixed length.

    Raises:
        ValueError: a hyperparameter is out of range; in `init`, more than one model.
    """

    needs_evaluate: ClassVar[bool] = True

    lr: Positive = 1.0
    max_iter: Count = 20
    history_size: Count = 10
    line_search: Literal["strong_wolfe"] | None = "strong_wolfe"

    def _over(self, params: Tensors) -> torch.optim.Optimizer:
        if params[0].shape[0] != 1:  # one line search cannot choose a step for several objectives
            raise ValueError(f"TorchLBFGS trains one model at a time, got {params[0].shape[0]}")
        return torch.optim.LBFGS(
            params,
            lr=self.lr,
            max_iter=self.max_iter,
            history_size=self.history_size,
            line_search_fn=self.line_search,
            tolerance_change=0.0,
        )

    def update(self, params: Tensors, grads: Tensors, state: State, factor: Hyperparameter = 1.0) -> None:
        raise ValueError("TorchLBFGS takes a step by `minimise`, which evaluates objective and gradients")

    def minimise(self, params: Tensors, evaluate: Evaluate, state: State, factor: Hyperparameter = 1.0) -> None:
        def closure() -> Tensor:
            objective, current_grads = evaluate()
            set_gradients(params, current_grads)
            return objective

        scaled_optimizer(state, params, factor).step(closure)  # type: ignore[arg-type]  # the stub has a closure return float
