"""Anybody's learning rate schedule as one of linnet's."""

from typing import Any

import torch
from torch import Tensor

from linnet.schedules import Schedule
from linnet.system.errors import InputError


class OwnSchedule(Schedule):
    """A schedule that is an object of another module.

    Args:
        part: has `factor(steps, steps_per_epoch, max_epochs)`, as of `Schedule.factor`; steps come as float64.
    """

    warmup_epochs = 0.0

    def __init__(self, part: Any) -> None:
        self.part = part

    def decay(self, steps: Tensor, steps_per_epoch: int, max_epochs: float) -> Tensor:
        found = torch.as_tensor(self.part.factor(steps, steps_per_epoch, max_epochs), dtype=torch.float64)
        if found.shape != steps.shape or not bool((found.isfinite() & (found >= 0)).all()):
            raise InputError(
                f"{type(self.part).__name__}.factor returns shape {list(found.shape)} for {len(steps)} steps: expected "
                f"one number of at least 0 for each"
            )
        return found
