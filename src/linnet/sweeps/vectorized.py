"""`hydra/launcher=vectorized`: jobs that share their batches are trained side by side in this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log, run_job
from hydra.types import HydraContext
from omegaconf import DictConfig
from rich.console import Console

from linnet.data import Data
from linnet.files import write_json
from linnet.interrupts import Interrupts
from linnet.life import Prepared, prepare, true_status
from linnet.run import job_of
from linnet.sweeps import ledger
from linnet.sweeps.launch import Planned
from linnet.sweeps.report import Report
from linnet.sweeps.shareable import largest_group
from linnet.together import train_together

Numbered = tuple[ledger.Job, Planned]


def run_group(jobs: Sequence[Numbered], context: HydraContext, report: Report, max_models: int) -> None:
    """Train jobs that share their batches to their ends, as many at once as fit into memory.

    Args:
        jobs: at least one.
        context: Hydra's.
        report: is told what is done, and asked to look for jobs that ended.
        max_models: trained at once.
    """
    waiting, data = list(jobs), None
    while waiting:
        with Interrupts() as interrupts:
            group = _Group(waiting, context, interrupts, max_models, data)
            train_together(group.prepared(report), interrupts, Console(), group.log_of)
        data = group.data
        report.ended()


class _Group:
    """As many of the waiting jobs as fit into memory, prepared one after the other on the same data."""

    def __init__(
        self,
        waiting: list[Numbered],
        context: HydraContext,
        interrupts: Interrupts,
        max_models: int,
        data: Data | None,
    ) -> None:
        self.waiting, self.context, self.interrupts, self.max_models = waiting, context, interrupts, max_models
        self.data = data
        self.configs: dict[Path, DictConfig] = {}

    def prepared(self, report: Report) -> Iterator[Prepared]:
        """The jobs, taken from those that wait; one that cannot be prepared is left out, and its directory says why."""
        ready: list[tuple[int, Prepared]] = []
        while self.waiting and len(ready) < (self._fitting(ready[0][1]) if ready else 1):
            numbered, planned = self.waiting.pop(0)
            prepared = self._prepare(planned)
            if prepared is not None:
                self.data = prepared.data
                self.configs[prepared.job.path] = planned.config
                ready.append((numbered.number, prepared))
                yield prepared
        numbers = [number for number, _ in ready]
        for _, prepared in ready:
            prepared.record["side_by_side"] = numbers
            write_json(prepared.job.path / "manifest.json", prepared.record, durable=False)
        left = f", {len(self.waiting)} more after them" if self.waiting else ""
        report.say(f"training {len(ready)} jobs side by side{left}")

    def _prepare(self, planned: Planned) -> Prepared | None:
        def task(config: DictConfig) -> Prepared:
            job = job_of(config, quiet=True)
            try:
                with true_status(job):
                    return prepare(job, self.interrupts, self.data)
            except BaseException:
                job.directory.close()
                raise

        done = run_job(task, planned.config, "hydra.sweep.dir", "hydra.sweep.subdir", self.context)
        return done.return_value if isinstance(done.return_value, Prepared) else None

    def _fitting(self, prepared: Prepared) -> int:
        _, n_outputs, n_features = prepared.model.weight.shape
        return largest_group(
            n_outputs, n_features, prepared.data.batch_size, prepared.model.weight.element_size(), self.max_models
        )

    @contextmanager
    def log_of(self, prepared: Prepared) -> Iterator[None]:
        """Write what is logged to the job's own file."""
        config, before = self.configs[prepared.job.path], HydraConfig.instance().cfg
        HydraConfig.instance().set_config(config)
        try:
            configure_log(config.hydra.job_logging, config.hydra.verbose)
            yield
        finally:
            HydraConfig.instance().cfg = before
