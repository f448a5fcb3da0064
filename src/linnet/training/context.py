"""A job before and after its setup, and the status recorded when it ends."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.errors import Diverged, InputError, ProcessLost
from linnet.tracking import Checkpoint, RunLogger
from linnet.tracking.directory import RunDirectory
from linnet.tracking.gap import Gap
from linnet.tracking.report import print_next
from linnet.training.resume_state import ResumeState


@dataclass(frozen=True)
class Job:
    """What to do, and where.

    directory: of the run, owned by this process.
    config: checked, and resolved to plain containers.
    choices: config group -> chosen option.
    console: for a person.
    resume_state: of a run that goes on.
    initial_weights: file of the weights that training is known to begin with, in a run with `init_from`.
    started: by `time.monotonic`.
    """

    directory: RunDirectory
    config: dict[str, Any]
    choices: Mapping[str, Any]
    console: Console
    resume_state: ResumeState | None = None
    initial_weights: Path | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> Path:
        return self.directory.path


@dataclass(frozen=True)
class TrainingContext:
    """A job with all its parts, ready to be trained.

    record: what manifest.json holds.
    checkpoint_callback: of its states, the last and the best.
    stopping: what may end training early, if anything.
    checkpoint: None for a run that begins.
    """

    job: Job
    data: Data
    model: LinearNetwork
    record: dict[str, Any]
    analysis: ProblemAnalysis | None
    checkpoint_callback: Checkpoint
    stopping: list[pl.Callback]
    logger: RunLogger
    checkpoint: dict[str, Any] | None

    @property
    def gap(self) -> Gap | None:
        """Logs the distance from the best possible, where that is finite and known."""
        return Gap(self.analysis.optimum) if self.analysis is not None and self.analysis.optimum.attained else None


@contextmanager
def record_status(job: Job) -> Iterator[None]:
    """Record how the job ends, if that is by an error."""
    directory = job.directory
    try:
        yield
    except Diverged as error:
        directory.set("diverged", step=error.step, error=str(error))
        raise
    except InputError as error:
        if job.resume_state is None:
            directory.set("failed", error=str(error))
        else:
            directory.refuse(error)
        raise
    except ProcessLost as error:
        directory.set("interrupted", error=str(error))
        print_next(job.console, "go on", f"linnet resume {directory.shown}")
        raise
    except Exception as error:
        directory.set("failed", error=f"{type(error).__name__}: {error}".splitlines()[0])
        logging.getLogger("linnet.traceback").exception("the run failed")
        raise
    except BaseException as error:
        directory.set("interrupted", error=str(error) or "stopped from outside")
        print_next(job.console, "go on", f"linnet resume {directory.shown}")
        raise
