"""`linnet train --multirun`: plan the jobs, skip completed ones, run the rest, report the results."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from linnet.config.check import check, refuse_chdir
from linnet.config.compose import compose_sweep, session
from linnet.config.direction import direction
from linnet.config.environment import with_environment
from linnet.config.groups import EXPERIMENT
from linnet.config.identity import canonical, config_hash
from linnet.config.project_options import announce, take_searchpath
from linnet.sweeps.composer import Composer
from linnet.sweeps.grid import (
    choices,
    expand,
    grids,
    parse,
    swept_keys,
    swept_options,
    with_conditions,
    without_lacking,
)
from linnet.sweeps.job_registry import FINISHED, Job, JobRegistry, Planned
from linnet.sweeps.launch import Launcher
from linnet.sweeps.path import is_path, swept_strengths
from linnet.sweeps.refusals import (
    SEARCH_TARGET,
    refuse_fixed_jobs,
    refuse_numbers,
    refuse_other_processes,
    refuse_places,
    refuse_several_processes,
    refuse_to_stop,
)
from linnet.sweeps.report import Report
from linnet.sweeps.samplers import check_sampler, check_storage, open_database
from linnet.sweeps.search import Outcome, open_study, search, space
from linnet.sweeps.words import SweepWords, read_words
from linnet.system.garbage_collection import gc_paused

QUIET = "hydra.job_logging.root.handlers=[file]"
"""A sweep prints a line a job; what a single run would print goes to the job's train.log."""


class Swept(NamedTuple):
    """A sweep that has ended.

    exit_code: 0 if every job completed, of a search any; else 1.
    directories: of its jobs, in their order; those that have not started are not there.
    """

    exit_code: int
    directories: list[Path]


def multirun(overrides: Sequence[str]) -> int:
    """Run a sweep and return the exit code: 0 if every job completed, of a search any; else 1. See `run_sweep`."""
    return run_sweep(overrides).exit_code


def run_sweep(overrides: Sequence[str], *, given: str | None = None, quiet: bool = False) -> Swept:
    """Run a sweep.

    Running it again on the same `hydra.sweep.dir` keeps what is finished, tries again what is not, and adds what is
    new. Figures of single jobs are off unless the overrides ask for them: drawing costs more than training.

    Args:
        overrides: of the command line.
        given: what jobs need that only this process has, as data given in Python.
        quiet: print nothing.

    Raises:
        InputError: if any job's configuration is wrong; nothing has run then.
    """
    every = with_environment(overrides)
    words = read_words(every)
    overrides, folders = take_searchpath(words.overrides)
    refuse_places(overrides)
    with session(folders):
        loader = GlobalHydra.instance().config_loader()
        figures = [] if any(text.startswith("figures=") for text in overrides) else ["figures=false"]
        to_files = [] if any(text.startswith("hydra/job_logging=") for text in overrides) else [QUIET]
        master = compose_sweep([*overrides, *figures, *to_files, "hydra/hydra_logging=none"], words.of_jobs)
        task = list(master.hydra.overrides.task)
        params = master.hydra.sweeper.params or {}
        if is_path(master.hydra.sweeper):
            params = swept_strengths(master, loader, task)
        several = grids(parse(task, params, loader), task, loader)
        refuse_numbers(master.hydra.sweeper)
        if master.hydra.sweeper._target_ == SEARCH_TARGET:
            check_sampler(master.hydra.sweeper)
            check_storage(master.hydra.sweeper, overrides)
        refuse_chdir(master)
        folder = Path(master.hydra.sweep.dir)
        again = [text for text in every if not text.startswith("hydra.sweep.dir=")]
        again.append(f"hydra.sweep.dir={os.path.relpath(folder)}")
        if given is not None:
            refuse_other_processes(master.hydra, given)
            again = []  # no command line gives that
        sweep = Sweep(master, loader, several, again, words, quiet)
        if words.stop_at_first_failure:
            refuse_to_stop(master.hydra)
        return sweep.search() if master.hydra.sweeper._target_ == SEARCH_TARGET else sweep.grid()


class Sweep:
    """One sweep directory and what shall run in it.

    Args:
        master: the sweep's configuration.
        loader: Hydra's, which composes the jobs' configurations.
        grids: overrides of the jobs, some of them with many values.
        again: the command line that goes on with this sweep; empty: there is none.
        words: what that says beyond the grids.
        quiet: print nothing.
    """

    def __init__(
        self, master: DictConfig, loader: ConfigLoader, grids: Sequence[Sequence[Override]], again: Sequence[str],
        words: SweepWords, quiet: bool = False,
    ) -> None:  # fmt: skip
        self.master, self.loader, self.grids, self.again, self.words = master, loader, grids, again, words
        self.quiet = quiet
        self.overrides = [override for grid in grids for override in grid]
        self.composer = Composer(master, loader)
        self.swept_options = swept_options(self.overrides, words.of_jobs)
        self.left_out: dict[str, None] = {}
        self.registry = JobRegistry(Path(master.hydra.sweep.dir))

    def grid(self) -> Swept:
        """Run every combination of the swept values."""
        planned = self.plan(self.jobs())  # before anything is made: one wrong job, and none runs
        distinct = {canonical(job.resolved): job for job in reversed(planned)}
        n_given, planned = len(planned), [job for job in planned if distinct[canonical(job.resolved)] is job]
        with self.registry as registry:
            jobs = registry.enter([(job.identity, job.words) for job in planned])
            report = self.report(jobs, planned[0].config)
            launcher = Launcher(self.master, self.loader, report, self.words.stop_at_first_failure)
            missing = [job for job in jobs if registry.status(job)["state"] not in FINISHED]
            report.opening(len(jobs), len(jobs) - len(missing))
            if len(planned) < n_given:
                report.say(f"{n_given} combinations give {len(planned)} settings: equal ones are run once")
            if self.left_out:
                report.say(f"left out, as there is no such key: {', '.join(self.left_out)}")
            plans = {job.identity: job for job in planned}
            try:
                launcher.launch([(job, plans[job.identity]) for job in missing])
            except KeyboardInterrupt:
                report.summary(self.again)
                raise
            report.summary(self.again)
            code = 0 if all(registry.status(job)["state"] == "completed" for job in jobs) else 1
            return self.swept(code, report)

    def jobs(self) -> list[list[str]]:
        """Return the overrides of each job."""
        every = [job for grid in self.grids for job in expand(grid, self.words.zips)]
        every = [[*job, *setting] for setting in self.words.settings for job in every]
        return with_conditions(every, self.words.conditions, self.loader)

    def search(self) -> Swept:
        """Run trials that Optuna proposes."""
        options = self.master.hydra.sweeper
        refuse_fixed_jobs(self.words)
        distributions = space(self.overrides)
        fixed = [text for override in self.overrides if not override.is_sweep_override() for text in choices(override)]
        (first,) = self.plan([fixed])
        database = open_database(options.storage)
        with self.registry as registry:
            report = self.report(list(registry.jobs.values()), first.config)
            launcher = Launcher(self.master, self.loader, report)

            def run(proposals: list[list[str]]) -> list[Outcome]:
                planned = self.plan([[*fixed, *proposal] for proposal in proposals])
                jobs = {job.identity: job for job in registry.enter([(job.identity, job.words) for job in planned])}
                report.jobs += [job for job in jobs.values() if job not in report.jobs]
                plans = {job.identity: job for job in planned}
                missing = [job for job in jobs.values() if registry.status(job)["state"] not in FINISHED]
                launcher.launch([(job, plans[job.identity]) for job in missing])
                states = [registry.status(jobs[job.identity])["state"] for job in planned]
                return [(state, report.score(jobs[job.identity])) for state, job in zip(states, planned, strict=True)]

            objective = (report.metric, report.direction)
            study = open_study(
                registry.folder, *objective, distributions, database
            )  # before a word is said: it may be of another search
            report.opening(options.n_trials, sum(registry.status(job)["state"] in FINISHED for job in report.jobs))
            try:
                search(study, options, distributions, run)
            except KeyboardInterrupt:
                report.summary(self.again)
                raise
            report.summary(self.again)
            return self.swept(0 if report.best() is not None else 1, report)

    def plan(self, jobs: Sequence[Sequence[str]]) -> list[Planned]:
        """Return each job with its checked configuration.

        Raises:
            InputError: naming what is wrong with the first job that cannot run.
        """
        planned = []
        with gc_paused():
            for given in jobs:
                words, left_out = without_lacking(given, self.swept_options)
                self.left_out |= dict.fromkeys(left_out)
                config, hydra = self.composer.compose(words)
                resolved = check(config, hydra)
                refuse_several_processes(resolved["trainer"]["devices"])
                words = list(config.hydra.overrides.task)  # with the model and loss that follow from the targets
                planned.append(Planned(config_hash(resolved), words, config, resolved, hydra))
        return planned

    def report(self, jobs: Sequence[Job], config: DictConfig) -> Report:
        announce()
        objective = config.objective
        several = [text.partition("=")[0] for text in self.words.of_jobs]
        keys = [*swept_keys(self.overrides), *several, *([EXPERIMENT] if len(self.grids) > 1 else [])]
        return Report(self.registry, jobs, (objective.metric, direction(objective)), keys, quiet=self.quiet)

    def swept(self, code: int, report: Report) -> Swept:
        return Swept(code, [self.registry.directory(job) for job in report.jobs])
