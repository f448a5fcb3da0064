"""Optimizers and schedules of a module in anybody's Trainer: torch's, or linnet's rules as one of torch."""

import math
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from linnet.optimizers import Optimizer
from linnet.optimizers.hyperparameter import number_of
from linnet.optimizers.torch_optim import MadeOptimizer, TorchOptimizer
from linnet.penalties import Penalty
from linnet.schedules import Constant, Schedule
from linnet.system.errors import InputError


def as_rule(optimizer: Any) -> Optimizer:
    """Return an optimizer of linnet's as it is, and a class or function that makes one of torch's as a rule.

    Raises:
        InputError: it is neither.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not callable(optimizer) or isinstance(optimizer, torch.optim.Optimizer):
        raise InputError(
            f"optimizer is a {type(optimizer).__name__}: expected one of linnet.optimizers, a class of torch's, or a "
            f"function of the parameters"
        )
    try:
        return MadeOptimizer(optimizer)
    except (TypeError, ValueError) as error:
        raise InputError(f"optimizer: {error}") from error


class RuleOptimizer(torch.optim.Optimizer):
    """An update rule of linnet's as an optimizer of torch, with the proximal step of a penalty after each update.

    The learning rate is that of its only parameter group: schedulers change it, and monitors read it, there.

    Args:
        params: `[weight [1, C, D], bias [1, C]]`, or those of them that are trained.
        rule: of one model.
        penalty: on the weight; its smooth part is in the gradients. None if the weight is not trained.
    """

    def __init__(self, params: list[Tensor], rule: Optimizer, penalty: Penalty | None) -> None:
        super().__init__(params, {"lr": number_of(rule.lr, 0)})
        self.rule, self.penalty = rule, penalty
        self.memory = rule.init(params)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters by their gradients, once they have some."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        (group,) = self.param_groups
        params = group["params"]
        if any(param.grad is None for param in params):
            return loss
        factor = group["lr"] / self.defaults["lr"]
        # Copies, since a rule may use gradients as scratch memory, and callbacks may look at them later.
        self.rule.update(params, [param.grad.clone() for param in params], self.memory, factor)
        if self.penalty is not None and self.penalty.proximal:
            self.penalty.proximal_step(params[0], self.rule.step_size(0, self.memory, factor))
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return what the rule remembers, and the parameter group, in plain containers and tensors."""
        return {"memory": self.rule.state_dict(self.memory), "param_groups": super().state_dict()["param_groups"]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned. Raises ValueError if that is of another rule or of other shapes."""
        super().load_state_dict({"state": {}, "param_groups": state_dict["param_groups"]})
        self.rule.load_state_dict(self.memory, state_dict["memory"])


def configured(
    rule: Optimizer, schedule: Schedule, penalty: Penalty, params: list[Tensor], trainer: pl.Trainer
) -> dict[str, Any]:
    """Return optimizer and learning rate scheduler as Lightning's `configure_optimizers` does.

    Args:
        rule: one of linnet's, or an adapter of one of torch, which is then the optimizer itself.
        schedule: called for each update; its rate is logged as `train/lr` by Lightning's LearningRateMonitor.
        penalty: on the weight.
        params: `[weight [1, C, D], bias [1, C]]`, the latter only if there is one; what requires no gradient stays.
        trainer: says how many updates there are in an epoch and in all.

    Raises:
        InputError: the penalty takes a proximal step, which an optimizer of torch has not; or the schedule depends on
            the number of updates, and that is not known.
    """
    optimizer: torch.optim.Optimizer
    trained = [param for param in params if param.requires_grad]
    if isinstance(rule, TorchOptimizer):
        if penalty.proximal:
            raise InputError("an l1 penalty takes a proximal step after each update: use an optimizer of linnet's")
        optimizer = rule.init(trained)["optimizer"]
    elif rule.needs_evaluate:
        raise InputError(f"{type(rule).__name__} evaluates gradients itself: use an optimizer of torch, or another one")
    else:
        optimizer = RuleOptimizer(trained, rule, penalty if params[0].requires_grad else None)
    scheduler = LambdaLR(optimizer, _factor(schedule, trainer))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step", "name": "train/lr"}}


def _factor(schedule: Schedule, trainer: pl.Trainer) -> Callable[[int], float]:
    """Return the multiplier of the learning rate as a function of the updates taken."""
    if isinstance(schedule, Constant) and schedule.warmup_epochs == 0:
        return lambda step: 1.0
    _ = trainer.estimated_stepping_batches  # makes the loader, which is when batches are counted
    if math.isinf(trainer.num_training_batches):
        raise InputError(f"schedule {type(schedule).__name__}: the loader does not know how many batches it has")
    per_epoch = -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches)
    epochs = float(trainer.max_epochs or -1)
    if trainer.max_steps >= 0:
        limit = trainer.max_steps / per_epoch
        epochs = limit if epochs < 0 else min(epochs, limit)
    return lambda step: float(schedule.factor(torch.tensor([step]), per_epoch, epochs))
