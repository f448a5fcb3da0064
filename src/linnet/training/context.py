"""A run before and after its setup, and the status recorded when it ends."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from linnet.config.trust import given_again
from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.errors import Diverged, InputError, ProcessLost
from linnet.system.terminal import print_next
from linnet.tracking import Checkpoint, RunLogger
from linnet.tracking.checkpoint import restore
from linnet.tracking.directory import RunDirectory
from linnet.tracking.gap import Gap
from linnet.tracking.logger import rewind
from linnet.tracking.loggers.fan_out import FurtherLoggers
from linnet.training.continuation import Continuation


@dataclass(frozen=True)
class ResumeState:
    """State of an interrupted run.

    manifest: as written at the start of the run.
    checkpoint: None if there was none yet.
    continuation: what changes for a run that is to have more epochs.
    """

    manifest: dict[str, Any]
    checkpoint: dict[str, Any] | None
    continuation: Continuation | None = None


@dataclass(frozen=True)
class RunRequest:
    """What to run, and where.

    directory: of the run, owned by this process.
    config: checked, and resolved to plain containers.
    choices: config group -> chosen option.
    console: what is printed goes there.
    resume_state: of a run that is resumed.
    initial_weights: file with the recorded initial weights of a run with `init_from`.
    recorded: whether the configuration is that of an existing run, perhaps somebody else's.
    only_tensorboard: whether the further loggers that the configuration names are left out.
    one_of_many: whether it is a job of a sweep or a call in Python, where what Lightning's Trainer costs counts.
    started: by `time.monotonic`.
    """

    directory: RunDirectory
    config: dict[str, Any]
    choices: Mapping[str, Any]
    console: Console
    resume_state: ResumeState | None = None
    initial_weights: Path | None = None
    recorded: bool = False
    only_tensorboard: bool = False
    one_of_many: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> Path:
        return self.directory.path

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """Return the state that a resumed run goes on from; None if training starts from its beginning."""
        return None if self.resume_state is None else self.resume_state.checkpoint


@dataclass(frozen=True)
class TrainingContext:
    """A run with all its parts, ready to be trained.

    manifest: what manifest.json holds; `finalize` adds to it.
    analysis: what is known of the optimum of the training problem, if anything.
    checkpoint_callback: writes the last and the best state.
    stopping: callbacks that may end training early.
    own_callbacks: callbacks of other modules.
    further_loggers: those besides TensorBoard.
    resampled: the models of all resamples and, as the last, the run's, until it ends; None: there are no resamples.
    solved: metrics of the optima of the resamples, where the run is solved for.
    """

    request: RunRequest
    data: Data
    model: LinearNetwork
    manifest: dict[str, Any]
    analysis: ProblemAnalysis | None
    checkpoint_callback: Checkpoint
    stopping: list[pl.Callback]
    own_callbacks: list[pl.Callback]
    logger: RunLogger
    further_loggers: FurtherLoggers
    resampled: LinearNetwork | None = None
    solved: dict[str, float] = field(default_factory=dict)

    @property
    def trained(self) -> LinearNetwork:
        """Return the module that is trained: the run's model, or the models of its resamples with it."""
        return self.model if self.resampled is None else self.resampled

    @property
    def metric(self) -> str:
        """Return the name of the metric that chooses the best epoch."""
        return str(self.request.config["objective"]["metric"])

    @property
    def gap(self) -> Gap | None:
        """Return the callback that logs the distance from the optimum, if there is one and it is known."""
        return Gap(self.analysis.optimum) if self.analysis is not None and self.analysis.optimum.attained else None


@contextmanager
def record_status(request: RunRequest) -> Iterator[None]:
    """Record how a run ends, if that is by an error."""
    directory = request.directory
    try:
        yield
    except Diverged as error:
        directory.set("diverged", step=error.step, error=str(error))
        raise
    except InputError as error:
        if request.resume_state is None:
            directory.set("failed", error=str(error))
        else:
            directory.refuse(error)
        raise
    except ProcessLost as error:
        directory.set("interrupted", error=str(error))
        print_next(request.console, "go on", f"linnet resume {directory.shown}{given_again()}")
        raise
    except Exception as error:
        directory.set("failed", error=f"{type(error).__name__}: {error}".splitlines()[0])
        logging.getLogger("linnet.traceback").exception("the run failed")
        raise
    except BaseException as error:
        directory.set("interrupted", error=str(error) or "stopped from outside")
        print_next(request.console, "go on", f"linnet resume {directory.shown}{given_again()}")
        raise


def restore_training(
    checkpoint: Mapping[str, Any], path: Path, model: LinearNetwork, callbacks: Sequence[pl.Callback]
) -> None:
    """Put model, callbacks and log files where they were when the checkpoint was written.

    Raises:
        InputError: the checkpoint is of another run; nothing has been touched then.
    """
    try:
        restore(checkpoint, model, callbacks)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path / 'checkpoints'}: the checkpoint is not of this run's configuration: {reason}"
        ) from error
    rewind(path, checkpoint["linnet"]["position"])


def is_trained(checkpoint: Mapping[str, Any], steps: int) -> bool:
    """Return whether training had ended, after so many steps or by early stopping."""
    saved = checkpoint["linnet"]
    return bool(saved["stopped"] or saved["steps_done"] >= steps)
