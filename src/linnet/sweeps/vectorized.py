"""`hydra/launcher=vectorized`: jobs that share their batches are trained side by side in this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hydra.core.utils import env_override
from rich.console import Console

from linnet.files import synced_at_once, write_json
from linnet.interrupts import Interrupts
from linnet.life import Job, Prepared, prepare, true_status
from linnet.sweeps import ledger
from linnet.sweeps.job_directory import JobDirectories
from linnet.sweeps.launch import Planned
from linnet.sweeps.report import Report
from linnet.sweeps.shareable import largest_group
from linnet.together import train_together
from linnet.tracking.directory import RunDirectory

Numbered = tuple[ledger.Job, Planned]


def run_group(jobs: Sequence[Numbered], report: Report, max_models: int) -> None:
    """Train jobs that share their batches to their ends, as many at once as fit into memory.

    Args:
        jobs: at least one.
        report: is told what is done, and asked to look for jobs that ended.
        max_models: trained at once.
    """
    waiting, like = list(jobs), None
    with env_override(dict(jobs[0][1].config.hydra.job.env_set)):
        while waiting:
            # An error that stops all is recorded in their directories and logs by then, as that of a single job is.
            with Interrupts() as interrupts, suppress(Exception):
                group = _Group(waiting, interrupts, report, max_models, like)
                train_together(group.prepared(), interrupts, Console(), group.log_of)
            like = group.like
            report.ended()


class _Group:
    """As many of the waiting jobs as fit into memory, prepared one after the other on the same data."""

    def __init__(
        self,
        waiting: list[Numbered],
        interrupts: Interrupts,
        report: Report,
        max_models: int,
        like: Prepared | None,
    ) -> None:
        self.waiting, self.interrupts, self.report, self.max_models = waiting, interrupts, report, max_models
        self.like = like
        self.directories = JobDirectories()

    def prepared(self) -> Iterator[Prepared]:
        """The jobs, taken from those that wait; one that cannot be prepared is left out, and its directory says why."""
        ready: list[tuple[int, Prepared]] = []
        with synced_at_once():
            while self.waiting and len(ready) < (self._fitting(ready[0][1]) if ready else 1):
                numbered, planned = self.waiting.pop(0)
                with suppress(Exception):  # recorded, as above
                    prepared = self._prepare(planned, self.report.ledger.directory(numbered))
                    ready.append((numbered.number, prepared))
                    yield prepared
            numbers = [number for number, _ in ready]
            for _, prepared in ready if len(ready) > 1 else []:
                prepared.record["side_by_side"] = numbers
                write_json(prepared.job.path / "manifest.json", prepared.record)
        left = f", {len(self.waiting)} more after them" if self.waiting else ""
        self.report.say(f"training {len(ready)} jobs side by side{left}")

    def _prepare(self, planned: Planned, path: Path) -> Prepared:
        path = path.absolute()
        config = self.directories.open(path, planned)
        choices = dict(planned.config.hydra.runtime.choices)
        job = Job(RunDirectory(path), config, choices, Console(quiet=True))
        try:
            with true_status(job):
                self.like = prepare(job, self.interrupts, self.like)
        except BaseException:
            job.directory.close()
            raise
        return self.like

    def _fitting(self, prepared: Prepared) -> int:
        _, n_outputs, n_features = prepared.model.weight.shape
        return largest_group(
            n_outputs, n_features, prepared.data.batch_size, prepared.model.weight.element_size(), self.max_models
        )

    @contextmanager
    def log_of(self, prepared: Prepared) -> Iterator[None]:
        """Write what is logged to the job's own file."""
        self.directories.log_into(prepared.job.path)
        yield
