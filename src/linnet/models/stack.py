"""Many models as one: K modules of the same shape become one module that trains all of them."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from linnet.models.network import LinearNetwork
from linnet.schedules import Schedule

Part = TypeVar("Part", bound=Any)


def stack(models: Sequence[LinearNetwork]) -> LinearNetwork:
    """Return one module of K models, each with its own parameters and hyperparameters.

    Args:
        models: of one model each; alike in everything but parameters, schedules, and the numbers of optimizer and
            penalty.

    Raises:
        ValueError: they differ in more than that.
    """
    first = models[0]
    schedules = [model.schedule for model in models]
    together = type(first)(
        **{**first.hparams, "n_models": len(models)},
        loss=first.loss,
        penalty=join([model.penalty for model in models]),
        optimizer=join([model.optimizer for model in models]),
        schedule=schedules[0] if len(set(schedules)) == 1 else Schedules(schedules),
    )
    with torch.no_grad():
        for name, stacked in together.named_parameters():
            stacked.copy_(torch.cat([model.get_parameter(name) for model in models]))
    return together


def join(parts: Sequence[Part]) -> Part:
    """Return one dataclass for several of one kind: numbers in which they differ become `[K]`, float64."""
    first = parts[0]
    joined = {}
    for field in dataclasses.fields(first):
        values = [getattr(part, field.name) for part in parts]
        if any(value != values[0] for value in values):
            if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
                raise ValueError(f"{field.name} must be the same for all models, got {values}")
            joined[field.name] = torch.tensor(values, dtype=torch.float64)
    return dataclasses.replace(first, **joined)


class Schedules(Schedule):
    """One schedule for each of K models, each with its own warm-up: factors are `[T, K]`."""

    warmup_epochs = 0.0

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self.schedules = schedules

    def decay(self, steps: Tensor, steps_per_epoch: int, max_epochs: int) -> Tensor:
        steps = steps.to(torch.int64)
        return torch.stack([each.factor(steps, steps_per_epoch, max_epochs) for each in self.schedules], dim=1)
