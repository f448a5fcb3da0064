"""Run jobs: one after the other in this process, or by one of Hydra's launchers."""

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.core.utils import run_job
from omegaconf import DictConfig, open_dict

from linnet.sweeps.grouping import group
from linnet.sweeps.job_registry import Job, Planned, VectorizedOptions
from linnet.sweeps.report import Report
from linnet.system.compat.hydra import BASIC_LAUNCHER, job_context
from linnet.system.errors import Diverged, InputError, Interrupted
from linnet.system.parent import descendants, end_descendants, end_with

VECTORIZED = "linnet.sweeps.vectorized.launch"
SUBMITIT_LOCAL = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher"
"""Starts jobs that outlive the sweep, as those of a cluster have to, on this machine."""
POLL_SECONDS = 0.5


def sweep_job(job: DictConfig) -> str:
    """Run one job in a launcher's process and return its state; a failure is returned too, not raised."""
    from linnet.training.train import execute

    try:
        execute(job, quiet=True, one_of_many=True)
    except Diverged:
        return "diverged"
    except Exception:  # recorded by `execute` in the job's own directory and log
        return "failed"
    return "completed"


def worker_job(driver: int, here: bool, job: DictConfig) -> str:
    """Run one job where a launcher asks for it; a process that it has started ends with the one that started it.

    Args:
        driver: process id of the sweep's own process, in which some launchers run jobs.
        here: whether jobs run on the machine of the sweep and end with it, also if another process started them.
        job: its configuration.
    """
    if os.getpid() != driver:
        end_with(driver if here else os.getppid())
    return sweep_job(job)


class Launcher:
    """Runs jobs of one sweep and reports each as it ends.

    Args:
        master: the sweep's configuration.
        loader: Hydra's, which composes the jobs' configurations.
        report: is notified of jobs that start, and looks for those that ended.
        stop: begin no job after one that did not complete.
    """

    def __init__(self, master: DictConfig, loader: ConfigLoader, report: Report, stop: bool = False) -> None:
        self.master, self.report, self.stop = master, report, stop
        self.context = job_context(loader)
        self.plugin: Any = None
        self.vectorized = master.hydra.launcher._target_ == VECTORIZED
        if self.vectorized:
            options = master.hydra.launcher
            self.options = VectorizedOptions(
                _at_least_one("max_models", options.max_models),
                None if options.processes is None else _at_least_one("processes", options.processes),
            )
        if not self.vectorized and master.hydra.launcher._target_ != BASIC_LAUNCHER:
            self.here = master.hydra.launcher._target_ == SUBMITIT_LOCAL
            self.plugin = Plugins.instance().instantiate_launcher(
                self.context, partial(worker_job, os.getpid(), self.here), master
            )
            if hasattr(self.plugin, "joblib"):
                # From their start on: a worker that waits for its first job would outlive a sweep that was killed.
                self.plugin.joblib.update(initializer=end_with, initargs=(os.getpid(),))

    def launch(self, jobs: Sequence[tuple[Job, Planned]]) -> None:
        """Run jobs to their ends; files of earlier attempts are removed."""
        for job, planned in jobs:
            self.report.registry.clear(job)
            with open_dict(planned.config):
                planned.config.hydra.job.num, planned.config.hydra.job.id = job.number, str(job.number)
                planned.config.hydra.sweep.subdir = str(job.number)
        self.report.expect([job for job, _ in jobs])
        if self.vectorized:
            self._side_by_side(dict(jobs))
        elif self.plugin is None:
            self._one_by_one([(job, planned, "") for job, planned in jobs])
        elif jobs:
            self._hand_over([job for job, _ in jobs])
            self.report.ended()

    def _one_by_one(self, jobs: Sequence[tuple[Job, Planned, str]]) -> None:
        """Run jobs, each with words to be said before, in this process; those that are solved share their data."""
        if not jobs:
            return
        from linnet.training.sequence import shared_data  # late, since it imports torch

        with shared_data():
            for job, planned, words in jobs:
                if words:
                    self.report.say(words)
                self._run_here(job, planned)
                if self._stops([job]):
                    return

    def _run_here(self, job: Job, planned: Planned) -> None:
        run_job(sweep_job, planned.config, "hydra.sweep.dir", "hydra.sweep.subdir", self.context)
        self.report.ended()

    def _side_by_side(self, jobs: Mapping[Job, Planned]) -> None:
        if not jobs:
            return
        from linnet.sweeps.vectorized import run_group

        options = [
            (job, {**planned.resolved, "env": planned.config.hydra.job.env_set}) for job, planned in jobs.items()
        ]
        groups, alone = group(options)
        for members in groups:
            run_group([(job, jobs[job]) for job in members], self.report, self.options)
            if self._stops(members):
                return
        words = [f"job {job.number:<3} {self.report.name(job)}  by itself, {reason}" for job, reason in alone]
        self._one_by_one([(job, jobs[job], said) for (job, _), said in zip(alone, words, strict=True)])

    def _stops(self, jobs: Sequence[Job]) -> bool:
        """Return whether the sweep ends because one of these jobs did not complete."""
        failed = [job for job in jobs if self.report.registry.status(job)["state"] != "completed"]
        if self.stop and failed:
            self.report.say(f"stopped at the first failure: job {failed[0].number}")
        return self.stop and bool(failed)

    def _hand_over(self, jobs: Sequence[Job]) -> None:
        # Workers are often started with one thread; equal results need the number that this process would use.
        from linnet.system import threads

        number = f"++hydra.job.env_set.{threads.VARIABLE}='{threads.available()}'"
        stop, before = threading.Event(), descendants()

        def watch() -> None:  # launchers answer when the last job has ended; the ledger knows of each
            while not stop.wait(POLL_SECONDS):
                self.report.ended()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            # Numbers belong to identities here, not to places in a batch, so each job names its directory itself; and
            # whole, because a worker may have been started elsewhere.
            folder = str(self.report.registry.folder.absolute()).replace("\\", "\\\\").replace("'", "\\'")
            common = [f"hydra.sweep.dir='{folder}'", number]
            words = [[*job.overrides, *common, f"hydra.sweep.subdir={job.number}"] for job in jobs]
            self.plugin.launch(words, initial_job_idx=0)
        except SystemExit as error:  # by which Ray answers SIGTERM
            raise Interrupted(signal.SIGTERM) from error
        except Interrupted:
            if self.here:
                end_descendants(before)
            raise
        finally:
            stop.set()
            watcher.join()


def _at_least_one(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"hydra.launcher.{name}={value}: expected a whole number of at least 1")
    return value
