"""Learning rate schedules: the multiplier of the learning rate as a pure function of the step.

A schedule is computed for many steps at once and before they are taken; a resumed run needs no state for it.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Le
from torch import Tensor

from linnet.config.option_types import NonNegative, Positive, Unit, check_options

PROBES = 4096
"""Steps at which the beginnings of two trainings are compared."""


class Schedule(ABC):
    """A multiplier of the learning rate, with an optional linear warm-up.

    Warm-up multiplies step t (from 0) by min(1, (t + 1) / warm-up steps), where an epoch of warm-up counts
    `steps_per_epoch` steps: the first step already moves, and the last of the warm-up is a full one.
    """

    warmup_epochs: NonNegative

    ends_with_training: ClassVar[bool] = False
    """Whether the decay ends at `max_epochs`, which must then be more than `warmup_epochs`."""

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def is_constant(self) -> bool:
        """Whether the multiplier is 1 at every step."""
        return False

    @abstractmethod
    def decay(self, steps: Tensor, steps_per_epoch: int, max_epochs: float) -> Tensor:
        """Return the multiplier without warm-up; arguments as in `factor`, but `steps` is float64."""

    def factor(self, steps: Tensor, steps_per_epoch: int, max_epochs: float) -> Tensor:
        """Return the multiplier of the learning rate at each step.

        Args:
            steps: `[T]` int64, steps taken before each step since training began: 0 for the first.
            steps_per_epoch: optimizer steps in an epoch, in [1, inf).
            max_epochs: epochs that training lasts, a last part of one included; -1 when it is not limited.

        Returns:
            `[T]` float64, in [0, 1].

        Raises:
            ValueError: `steps_per_epoch` is out of range, or the schedule needs a limit and `max_epochs` is -1.
        """
        if steps_per_epoch < 1:
            raise ValueError(f"steps_per_epoch must be at least 1, got {steps_per_epoch}")
        steps = steps.to(torch.float64)
        factor = self.decay(steps, steps_per_epoch, max_epochs)
        if self.warmup_epochs == 0:
            return factor
        return factor * ((steps + 1) / (self.warmup_epochs * steps_per_epoch)).clamp(max=1.0)

    def depends_on_length(self, before: int, after: int) -> bool:
        """Return whether training for `after` epochs begins otherwise than training for `before`, which are fewer."""
        per_epoch = 8
        steps = torch.linspace(0, per_epoch * before - 1, PROBES, dtype=torch.float64).round().long()
        return not torch.equal(self.factor(steps, per_epoch, before), self.factor(steps, per_epoch, after))


@dataclass(frozen=True)
class Constant(Schedule):
    """The learning rate as given.

    Args:
        warmup_epochs: length of the warm-up in [0, inf), in epochs.

    Raises:
        ValueError: `warmup_epochs` is out of range.
    """

    warmup_epochs: NonNegative = 0.0

    @property
    def is_constant(self) -> bool:
        return self.warmup_epochs == 0

    def decay(self, steps: Tensor, steps_per_epoch: int, max_epochs: float) -> Tensor:
        return torch.ones_like(steps)


@dataclass(frozen=True)
class Step(Schedule):
    """Times gamma after every `step_epochs` epochs: gamma^⌊epoch / step_epochs⌋, epochs counted from the start.

    Source: Dive into Deep Learning, section 12.11 (Learning Rate Scheduling).

    Args:
        step_epochs: epochs between two drops, in (0, inf).
        gamma: what each drop multiplies by, in (0, 1].
        warmup_epochs: length of the warm-up in [0, inf), in epochs.

    Raises:
        ValueError: an argument is out of range.
    """

    step_epochs: Positive
    gamma: Annotated[float, Gt(0), Le(1)]
    warmup_epochs: NonNegative = 0.0

    def decay(self, steps: Tensor, steps_per_epoch: int, max_epochs: float) -> Tensor:
        # One division of whole numbers: fractions of an epoch, divided again, could round below a drop.
        drops = (steps / (self.step_epochs * steps_per_epoch)).floor()
        return self.gamma**drops


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine wave from 1 at the end of the warm-up down to `final_factor` at `max_epochs`, and no further.

    final_factor + (1 - final_factor) (1 + cos(π p)) / 2, where p in [0, 1] is the part of the epochs after the
    warm-up that has passed.

    Source: Dive into Deep Learning, section 12.11 (Learning Rate Scheduling); Loshchilov and Hutter, SGDR, 2017.

    Args:
        final_factor: the multiplier at the end, in [0, 1].
        warmup_epochs: length of the warm-up in [0, inf), in epochs; shorter than training.

    Raises:
        ValueError: an argument is out of range; in `factor`, training is unlimited or no longer than the warm-up.
    """

    ends_with_training: ClassVar[bool] = True

    final_factor: Unit = 0.0
    warmup_epochs: NonNegative = 0.0

    def decay(self, steps: Tensor, steps_per_epoch: int, max_epochs: float) -> Tensor:
        if max_epochs <= self.warmup_epochs:
            raise ValueError(
                f"the cosine schedule needs max_epochs above warmup_epochs={self.warmup_epochs:g}, got {max_epochs}"
            )
        progress = (steps / steps_per_epoch - self.warmup_epochs) / (max_epochs - self.warmup_epochs)
        wave = (1 + torch.cos(math.pi * progress.clamp(0.0, 1.0))) / 2
        return self.final_factor + (1 - self.final_factor) * wave
