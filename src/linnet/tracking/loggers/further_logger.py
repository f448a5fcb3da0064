"""What a logger besides TensorBoard is given of a run."""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from linnet.system.errors import InputError

State = Literal["completed", "interrupted", "failed"]


@dataclass(frozen=True)
class LoggedRun:
    """A run as its loggers see it.

    path: the run directory.
    params: hyperparameters, dotted name -> number or text.
    tags, notes: of the configuration.
    recorded: whether the run directory existed before, perhaps made by somebody else.
    """

    path: Path
    params: Mapping[str, Any]
    tags: Sequence[str] = ()
    notes: str | None = None
    recorded: bool = False

    @property
    def name(self) -> str:
        """Return the last two folders of its path, as `digits/2026-11-22_06-47-45-915003`."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def sweep(self) -> Path | None:
        """Return the directory of the sweep that the run is a job of, if it is one."""
        return self.path.parent if (self.path.parent / "ledger.json").is_file() else None


@dataclass(frozen=True)
class Epoch:
    """Metrics at the last step of an epoch; milliseconds: of the clock, when they were logged."""

    step: int
    metrics: Mapping[str, float]
    milliseconds: int


class FurtherLogger(ABC):
    """A logger besides TensorBoard. Whatever its methods raise costs the run this logger only."""

    package: ClassVar[str | None] = None
    """What has to be installed, by the name of both package and module; None: nothing."""

    @abstractmethod
    def open(self, run: LoggedRun) -> int:
        """Begin, or go on after an interruption, and return the last step that is logged already; 0: none."""

    @abstractmethod
    def log_epochs(self, epochs: Sequence[Epoch]) -> None:
        """Log metrics of one or more epochs, in the order of their steps."""

    @abstractmethod
    def log_result(self, metrics: Mapping[str, float], step: int, files: Sequence[Path]) -> None:
        """Log the final metrics, and those files of the run directory that the logger can take."""

    @abstractmethod
    def close(self, state: State) -> None:
        """End the run, in this state."""


def refuse_recorded_address(run: LoggedRun, given: str | None, variable: str) -> None:
    """Raise InputError if a run that was there before would be sent to where only its own configuration says."""
    if run.recorded and given is not None and given != os.environ.get(variable):
        raise InputError(f"set {variable} to log where only the run directory says: {given}")


def unless_set(environment: Mapping[str, str]) -> None:
    """Set variables that the environment does not have."""
    for name, value in environment.items():
        os.environ.setdefault(name, value)


def quiet(*names: str) -> None:
    """Let these packages log nothing: what is wrong, they raise too, and a run says it once."""
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
