"""Make one module of several, whose models are trained side by side."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from linnet.models import LinearNetwork
from linnet.schedules import Schedule
from linnet.training.own_penalty import OwnPenalty

Part = TypeVar("Part", bound=Any)


def stack(models: Sequence[LinearNetwork]) -> LinearNetwork:
    """Return one module of all models, each with its own parameters and hyperparameters.

    Args:
        models: alike in everything but parameters, schedules, and the numbers of optimizer and penalty; each of one
            model, or of those of one run's resamples.

    Raises:
        ValueError: they differ in more than that.
    """
    first = models[0]
    each = [model for model in models for _ in range(model.n_models)]
    schedules = [model.schedule for model in each]
    together = type(first)(
        **{**first.hparams, "n_models": len(each)},
        loss=first.loss,
        penalty=join([model.penalty for model in each]),
        optimizer=join([model.optimizer for model in each]),
        schedule=schedules[0] if len(set(schedules)) == 1 else Schedules(schedules),
    )
    with torch.no_grad():
        for name, stacked in together.named_parameters():
            stacked.copy_(torch.cat([model.get_parameter(name) for model in models]))
    together.own_metrics = first.own_metrics
    return together


def join(parts: Sequence[Part]) -> Part:
    """Return one dataclass for several of one kind: numbers in which they differ become `[K]`, float64."""
    if isinstance(parts[0], OwnPenalty):
        return OwnPenalty([part.parts[0] for part in parts])  # type: ignore[return-value]
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

    def decay(self, steps: Tensor, steps_per_epoch: int, max_epochs: float) -> Tensor:
        steps = steps.to(torch.int64)
        return torch.stack([each.factor(steps, steps_per_epoch, max_epochs) for each in self.schedules], dim=1)
