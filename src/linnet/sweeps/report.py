"""Print the progress of a sweep: a line per finished job, and a summary."""

import math
import os
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from linnet.config.direction import Direction, training_counterpart
from linnet.sweeps.job_registry import Job, JobRegistry
from linnet.system.terminal import Terminal, print_prose
from linnet.tracking.manifest_file import ACCEPT


class Report:
    """Lines on the console while jobs end.

    Args:
        registry: where the jobs' states are read.
        jobs: all jobs of this sweep.
        objective: (metric, direction) that is shown, and chooses the best.
        keys: the swept keys; other overrides are the same for all and not repeated.
        quiet: print nothing.
    """

    def __init__(
        self, registry: JobRegistry, jobs: Sequence[Job], objective: tuple[str, Direction], keys: Sequence[str], *,
        quiet: bool = False,
    ) -> None:  # fmt: skip
        self.registry, self.jobs, self.keys = registry, list(jobs), keys
        self.metric, self.direction = objective
        self.console = Terminal(soft_wrap=True, quiet=quiet)
        self.pending: dict[int, Job] = {}
        self.started: dict[int, float] = {}

    def opening(self, n_jobs: int, kept: int) -> None:
        """Print the number of jobs and of those already finished."""
        self.kept, self.left = kept, n_jobs - kept
        before = f", {kept} of them finished before" if kept else ""
        print_prose(self.console, f"{n_jobs} jobs in {os.path.relpath(self.registry.folder)}{before}")

    def say(self, line: str) -> None:
        """Print another line about the sweep."""
        print_prose(self.console, line)

    def expect(self, jobs: Sequence[Job]) -> None:
        """Announce jobs that are about to run."""
        for job in jobs:
            self.pending[job.number] = job
            self.started[job.number] = time.time()

    def ended(self) -> None:
        """Print one line for each expected job that has ended since the last call."""
        for number, job in list(self.pending.items()):
            status = self.registry.status(job)
            if status["state"] in ("new", "running"):
                continue
            del self.pending[number]
            self.left -= 1
            result = self._objective(job) if status["state"] == "completed" else status["state"]
            seconds = f"{status.get('seconds', time.time() - self.started[number]):.1f} s"
            print_prose(self.console, f"job {number:<3} {self.name(job)}  {result}  {seconds}  {self.left} to go")

    @contextmanager
    def watching(self) -> Iterator[Callable[[], None]]:
        """Yield a function to call repeatedly: it calls `ended` and, on a terminal, shows the first job's progress."""
        with self.console.status("") if self.console.is_terminal else nullcontext() as status:

            def watch() -> None:
                self.ended()
                if status is not None and self.pending:
                    first = self.registry.status(next(iter(self.pending.values())))
                    status.update(f"epoch {first.get('epoch', 0)}, {len(self.pending)} jobs")

            yield watch

    def name(self, job: Job) -> str:
        """Return the job's swept overrides."""
        return " ".join(text for text in job.overrides if text.partition("=")[0] in self.keys) or "(no swept key)"

    def best(self) -> Job | None:
        """Return the completed job with the best objective; one with a resample that diverged only if all have one."""
        completed = [job for job in self.jobs if self.registry.status(job)["state"] == "completed"]
        values = {job: value for job in completed if (value := self.value(job)) is not None}
        sign = 1 if self.direction == "minimize" else -1
        return min(values, key=lambda job: (self._has_diverged(job), sign * values[job]), default=None)

    def score(self, job: Job) -> float | None:
        """Return the objective of a job as a search is to learn from it; None if it or a resample diverged."""
        completed = self.registry.status(job)["state"] == "completed"
        return self.value(job) if completed and not self._has_diverged(job) else None

    def _has_diverged(self, job: Job) -> bool:
        """Return whether the objective is only that of the resamples that did not diverge."""
        return bool(self.registry.status(job).get("diverged_resamples"))

    def value(self, job: Job) -> float | None:
        """Return the objective of a completed job, on its training set if it has no other; None if undefined.

        R² of constant targets, for example, is undefined.
        """
        value = self.registry.metrics(job).get(self._metric(job))
        return value if value is not None and math.isfinite(value) else None

    def _metric(self, job: Job) -> str:
        """Return the name of the job's objective metric."""
        return self.metric if self.metric in self.registry.metrics(job) else training_counterpart(self.metric)

    def summary(self, command: Sequence[str]) -> None:
        """Print counts, each job that did not complete with its reason, the best job, and the next command.

        Args:
            command: overrides that run the rest of this sweep; empty: there are none.
        """
        statuses = {job: self.registry.status(job) for job in self.jobs}
        counts = Counter(status["state"] for status in statuses.values())
        parts = ", ".join(f"{n} {'not run' if state == 'new' else state}" for state, n in counts.items())
        print_prose(
            self.console,
            f"{len(self.jobs)} jobs: {parts}" + (f"; {self.kept} of them from before" if self.kept else ""),
        )
        for job, status in statuses.items():
            if status["state"] not in ("completed", "new"):
                print_prose(
                    self.console, f"  job {job.number} {self.name(job)}: {status['state']}: {status.get('error', '')}"
                )
        for job, status in statuses.items():
            if status["state"] == "completed" and not self.registry.metrics(job):
                print_prose(
                    self.console,
                    f"  job {job.number} {self.name(job)}: changed: metrics.json or manifest.json is not what the job "
                    f"wrote: restore it, or go on with {ACCEPT}",
                )
        best = self.best()
        if best is not None:
            metric = self._metric(best)
            print_prose(self.console, f"best by {metric}: job {best.number} {self.name(best)}  {self._objective(best)}")
        for label, text in (
            ("compare", f"linnet compare {self.registry.folder}"),
            ("curves", f"linnet board {self.registry.folder}"),
        ):
            self.console.print(f"{label:<8} {text}")
        unfinished = any(status["state"] in ("new", "running", "failed", "interrupted") for status in statuses.values())
        if unfinished and command:
            self.console.print(f"go on    linnet train -m {shlex.join(command)}")

    def _objective(self, job: Job) -> str:
        value = self.value(job)
        return f"{self._metric(job)} {'undefined' if value is None else f'{value:.5g}'}"
