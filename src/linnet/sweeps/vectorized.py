"""`hydra/launcher=vectorized`: train jobs that share their batches in one group."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hydra.core.utils import env_override

from linnet.config.loggers import with_loggers
from linnet.data import Data
from linnet.sweeps import job_registry as registry
from linnet.sweeps.grouping import largest_group
from linnet.sweeps.job_directory import JobDirectories
from linnet.sweeps.job_registry import Planned, VectorizedOptions
from linnet.sweeps.processes import run_in_processes
from linnet.sweeps.report import Report
from linnet.system.files import synced_at_once
from linnet.system.interrupts import Interrupts
from linnet.system.terminal import Terminal
from linnet.system.threads import available
from linnet.tracking.directory import RunDirectory
from linnet.tracking.manifest_file import write_manifest
from linnet.training.components import build_data
from linnet.training.context import RunRequest, TrainingContext, record_status
from linnet.training.setup import setup
from linnet.training.vectorized import train_vectorized

Numbered = tuple[registry.Job, Planned]

JOBS_A_PROCESS = 8
"""With fewer, starting another process costs more than it gains."""


def run_group(jobs: Sequence[Numbered], report: Report, options: VectorizedOptions) -> None:
    """Train jobs that share their batches to their ends.

    Args:
        jobs: at least one.
        report: receives progress, and looks for jobs that ended.
        options: of the launcher.
    """
    with env_override(dict(jobs[0][1].config.hydra.job.env_set)):
        limit, n, data = options.max_models, _processes(jobs, options.processes), None
        if (options.processes or 1) > n and jobs[0][1].resolved["threads"] not in (None, 1):
            threads = jobs[0][1].resolved["threads"]
            report.say(f"one process, not {options.processes}: each of several has one thread, and threads={threads}")
        if n > 1:
            with suppress(Exception):  # which each job will meet again, and record
                data = build_data(jobs[0][1].resolved)
        # Of data that is read as it is needed, each process would read all, and keep as much as it may in memory.
        if data is None or (data.train.streamed and options.processes is None):
            _train(jobs, report, Share(limit), data)
            return

        def part(k: int) -> None:
            report.console.quiet = True  # the first process tells of all jobs
            _train(jobs[k::n], report, Share(max(1, limit // n), n), data)

        report.say(f"training {len(jobs)} jobs side by side, in {n} processes")
        codes = run_in_processes([partial(part, k) for k in range(n)], report.watching)
        for k, code in enumerate(codes):
            if code:
                end = f"signal {-code}" if code < 0 else f"exit code {code}"
                report.say(f"process {k + 1} of {n} was lost ({end}), and with it the jobs that had not ended")


class Share(NamedTuple):
    """One process's share of the jobs and resources.

    max_models: trained at once.
    of: so many processes share the memory and the terminal.
    """

    max_models: int
    of: int = 1


def _processes(jobs: Sequence[Numbered], asked: int | None) -> int:
    """Return the number of processes: as many as requested, or fewer if there is too little work."""
    config = jobs[0][1].resolved
    # Elsewhere than on Linux, what came along with a fork may not be used; and a GPU has no share for each process.
    if sys.platform != "linux" or config["trainer"]["accelerator"] != "cpu":
        return 1
    if config["threads"] not in (None, 1):  # a forked process has one
        return 1
    if asked is not None:
        return min(asked, len(jobs))
    threads = available()
    busy = min(threads, len(jobs) // JOBS_A_PROCESS)
    # They have one thread each, and one process has all: it is the faster one if most threads would be idle.
    return 1 if config["threads"] or 2 * busy < threads else busy


def _train(jobs: Sequence[Numbered], report: Report, share: Share, data: Data | None) -> None:
    """Train jobs in this process, as many at once as fit into memory."""
    waiting = list(jobs)
    group = None
    while waiting:
        # An error that stops all is recorded in their directories and logs by then, as that of a single job is.
        with Interrupts() as interrupts, suppress(Exception):
            interrupts.raise_if_any()
            group = _Group(waiting, interrupts, report, share, data, group.like if group else None)
            train_vectorized(group.contexts(), interrupts, Terminal(quiet=share.of > 1), group.log_of)
        report.ended()


@dataclass
class _Group:
    """A group of waiting jobs that fits into memory, set up one after the other on the same data."""

    waiting: list[Numbered]
    interrupts: Interrupts
    report: Report
    share: Share
    data: Data | None
    like: TrainingContext | None
    directories: JobDirectories = field(default_factory=JobDirectories)

    def contexts(self) -> Iterator[TrainingContext]:
        """Yield contexts of waiting jobs; one that cannot be set up is left out, with the reason in its directory."""
        ready: list[tuple[int, TrainingContext]] = []
        with synced_at_once():
            while self.waiting and len(ready) < (self._fitting(ready[0][1]) if ready else 1):
                numbered, planned = self.waiting.pop(0)
                with suppress(Exception):  # recorded, as above
                    context = self._set_up(planned, self.report.registry.directory(numbered))
                    ready.append((numbered.number, context))
                    yield context
            numbers = [number for number, _ in ready]
            for _, context in ready if len(ready) > 1 else []:
                context.manifest["side_by_side"] = numbers
                write_manifest(context.request.path, context.manifest)
        left = f", {len(self.waiting)} more after them" if self.waiting else ""
        self.report.say(f"training {len(ready)} jobs side by side{left}")

    def _set_up(self, planned: Planned, path: Path) -> TrainingContext:
        path = path.absolute()
        config = self.directories.open(path, planned)
        choices = with_loggers(dict(planned.config.hydra.runtime.choices), config)
        request = RunRequest(RunDirectory(path), config, choices, Terminal(quiet=True))
        try:
            with record_status(request):
                data = self.data if config is planned.resolved else None  # else it may be of another moment
                self.like = setup(request, self.interrupts, self.like, data)
        except BaseException:
            request.directory.close()
            raise
        return self.like

    def _fitting(self, context: TrainingContext) -> int:
        _, n_outputs, n_features = context.model.weight.shape
        return largest_group(
            n_outputs, n_features, context.data.batch_size, context.model.weight.element_size(),
            self.share.max_models, self.share.of, context.trained.n_models,
        )  # fmt: skip

    @contextmanager
    def log_of(self, context: TrainingContext) -> Iterator[None]:
        """Write what is logged to the job's own file."""
        self.directories.log_into(context.request.path)
        yield
