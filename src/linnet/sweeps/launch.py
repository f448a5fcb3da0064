"""Running jobs: one after the other in this process, or by one of Hydra's launchers."""

import threading
from collections.abc import Sequence
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.core.utils import run_job
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from linnet.errors import Diverged
from linnet.sweeps.ledger import Job
from linnet.sweeps.report import Report

BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
THREADS = "LINNET_THREADS"
"""Environment variable with the number of threads of a job whose configuration leaves it open."""
WATCH_SECONDS = 0.5


def sweep_job(job: DictConfig) -> str:
    """Run one job in whatever process a launcher uses, and return its state: a failure is a result like any other."""
    from linnet.run import execute

    try:
        execute(job, quiet=True)
    except Diverged:
        return "diverged"
    except Exception:  # recorded by `execute` in the job's own directory and log
        return "failed"
    return "completed"


class Launcher:
    """Runs jobs of one sweep and reports each as it ends.

    Args:
        master: the sweep's configuration.
        loader: Hydra's, which composes the jobs' configurations.
        report: is told which jobs run, and asked to look for those that ended.
    """

    def __init__(self, master: DictConfig, loader: ConfigLoader, report: Report) -> None:
        self.master, self.report = master, report
        self.context = HydraContext(config_loader=loader, callbacks=Callbacks())
        self.plugin: Any = None
        if master.hydra.launcher._target_ != BASIC:
            self.plugin = Plugins.instance().instantiate_launcher(self.context, sweep_job, master)

    def launch(self, jobs: Sequence[tuple[Job, DictConfig]]) -> None:
        """Run jobs, given with their configurations, to their ends; what earlier attempts left of them is removed."""
        for job, _ in jobs:
            self.report.ledger.clear(job)
        self.report.expect([job for job, _ in jobs])
        if self.plugin is None:
            for job, config in jobs:
                self._run_here(job, config)
                self.report.ended()
        elif jobs:
            self._hand_over([job for job, _ in jobs])
            self.report.ended()

    def _run_here(self, job: Job, config: DictConfig) -> None:
        with open_dict(config):
            config.hydra.job.num, config.hydra.job.id = job.number, str(job.number)
            config.hydra.sweep.subdir = str(job.number)
        run_job(sweep_job, config, "hydra.sweep.dir", "hydra.sweep.subdir", self.context)

    def _hand_over(self, jobs: Sequence[Job]) -> None:
        # Workers are often started with one thread; equal results need the number that this process would use.
        import torch

        threads = f"++hydra.job.env_set.{THREADS}='{torch.get_num_threads()}'"
        stop = threading.Event()

        def watch() -> None:  # launchers answer when the last job has ended; the ledger knows of each
            while not stop.wait(WATCH_SECONDS):
                self.report.ended()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            # Numbers belong to identities here, not to places in a batch, so each job names its directory itself; and
            # whole, because a worker may have been started elsewhere.
            folder = str(self.report.ledger.folder.absolute()).replace("\\", "\\\\").replace("'", "\\'")
            common = [f"hydra.sweep.dir='{folder}'", threads]
            words = [[*job.overrides, *common, f"hydra.sweep.subdir={job.number}"] for job in jobs]
            self.plugin.launch(words, initial_job_idx=0)
        finally:
            stop.set()
            watcher.join()
