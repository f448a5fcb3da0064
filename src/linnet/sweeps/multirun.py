"""`linnet train --multirun`: plan the jobs, skip completed ones, run the rest, report the results."""

import os
from collections.abc import Sequence
from pathlib import Path

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
from linnet.config.option_types import Seed, accepts, describe
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
from linnet.sweeps.launch import VECTORIZED, Launcher
from linnet.sweeps.report import Report
from linnet.sweeps.samplers import check_sampler, check_storage, open_database
from linnet.sweeps.search import Outcome, open_study, search, space
from linnet.sweeps.words import STOP, SweepWords, read_words
from linnet.system.compat.hydra import BASIC_LAUNCHER
from linnet.system.errors import InputError
from linnet.system.garbage_collection import gc_paused

QUIET = "hydra.job_logging.root.handlers=[file]"
"""A sweep prints a line a job; what a single run would print goes to the job's train.log."""


def multirun(overrides: Sequence[str]) -> int:
    """Run a sweep and return the exit code: 0 if every job completed, else 1.

    Running it again on the same `hydra.sweep.dir` keeps what is finished, tries again what is not, and adds what is
    new. Figures of single jobs are off unless the overrides ask for them: drawing costs more than training.

    Raises:
        InputError: if any job's configuration is wrong; nothing has run then.
    """
    given = with_environment(overrides)
    words = read_words(given)
    overrides, folders = take_searchpath(words.overrides)
    refuse_places(overrides)
    with session(folders):
        loader = GlobalHydra.instance().config_loader()
        figures = [] if any(text.startswith("figures=") for text in overrides) else ["figures=false"]
        quiet = [] if any(text.startswith("hydra/job_logging=") for text in overrides) else [QUIET]
        master = compose_sweep([*overrides, *figures, *quiet, "hydra/hydra_logging=none"], words.of_jobs)
        task = list(master.hydra.overrides.task)
        several = grids(parse(task, master.hydra.sweeper.params or {}, loader), task, loader)
        refuse_numbers(master.hydra.sweeper)
        if master.hydra.sweeper._target_ == SEARCH_TARGET:
            check_sampler(master.hydra.sweeper)
            check_storage(master.hydra.sweeper, overrides)
        refuse_chdir(master)
        folder = Path(master.hydra.sweep.dir)
        again = [text for text in given if not text.startswith("hydra.sweep.dir=")]
        again.append(f"hydra.sweep.dir={os.path.relpath(folder)}")
        sweep = Sweep(master, loader, several, again, words)
        if words.stop_at_first_failure:
            refuse_to_stop(master.hydra)
        return sweep.search() if master.hydra.sweeper._target_ == SEARCH_TARGET else sweep.grid()


class Sweep:
    """One sweep directory and what shall run in it.

    Args:
        master: the sweep's configuration.
        loader: Hydra's, which composes the jobs' configurations.
        grids: overrides of the jobs, some of them with many values.
        again: the command line that goes on with this sweep.
        words: what that says beyond the grids.
    """

    def __init__(
        self, master: DictConfig, loader: ConfigLoader, grids: Sequence[Sequence[Override]], again: Sequence[str],
        words: SweepWords,
    ) -> None:  # fmt: skip
        self.master, self.loader, self.grids, self.again, self.words = master, loader, grids, again, words
        self.overrides = [override for grid in grids for override in grid]
        self.composer = Composer(master, loader)
        self.swept_options = swept_options(self.overrides, words.of_jobs)
        self.left_out: dict[str, None] = {}
        self.registry = JobRegistry(Path(master.hydra.sweep.dir))

    def grid(self) -> int:
        """Run every combination of the swept values. Returns the exit code."""
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
            return 0 if all(registry.status(job)["state"] == "completed" for job in jobs) else 1

    def jobs(self) -> list[list[str]]:
        """Return the overrides of each job."""
        every = [job for grid in self.grids for job in expand(grid, self.words.zips)]
        every = [[*job, *setting] for setting in self.words.settings for job in every]
        return with_conditions(every, self.words.conditions, self.loader)

    def search(self) -> int:
        """Run trials that Optuna proposes. Returns the exit code: 0 if any trial completed."""
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
                return [
                    (state, report.value(jobs[job.identity]) if state == "completed" else None)
                    for state, job in zip(states, planned, strict=True)
                ]

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
            return 0 if report.best() is not None else 1

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
        return Report(self.registry, jobs, (objective.metric, direction(objective)), keys)


SEARCH_TARGET = "linnet.sweeps.search.search"


def refuse_several_processes(devices: int) -> None:
    """Raise InputError for jobs that would divide one model among processes."""
    if devices > 1:
        raise InputError(
            f"trainer.devices={devices}: the jobs of a sweep do not divide themselves, since it gains more to run them "
            f"side by side: use trainer=default hydra/launcher=vectorized"
        )


def refuse_to_stop(hydra: DictConfig) -> None:
    """Raise InputError where jobs do not run one after the other, or their failures teach a search."""
    if hydra.sweeper._target_ == SEARCH_TARGET:
        raise InputError(f"{STOP}=true: a search learns from trials that fail, leave it out")
    if hydra.launcher._target_ not in (BASIC_LAUNCHER, VECTORIZED):
        launcher = hydra.runtime.choices["hydra/launcher"]
        raise InputError(f"{STOP}=true: hydra/launcher={launcher} runs jobs side by side, leave it out")


def refuse_fixed_jobs(words: SweepWords) -> None:
    """Raise InputError for jobs that are no draws from a space."""
    if words.zips or words.conditions or words.settings != [[]]:
        raise InputError(
            "search=optuna draws each key by itself: zip(…), if(…) and settings are of a grid, leave search out"
        )


def refuse_places(overrides: Sequence[str]) -> None:
    """Raise InputError for places and values that a sweep gives in another way."""
    for text in overrides:
        key, _, value = text.lstrip("+").partition("=")
        if key == "hydra.run.dir":
            raise InputError(f"{text}: that is the place of a single run, a sweep has hydra.sweep.dir={value}")
        if key == "hydra.sweep.subdir":
            raise InputError(
                f"{text}: jobs lie in folders by their numbers, so that a sweep can go on; `linnet compare` shows "
                f"their settings"
            )
        if key.startswith("hydra.sweeper.params") and not any(word.startswith("search=optuna") for word in overrides):
            raise InputError(f"{text}: a grid is given by the overrides themselves: optimizer.lr=0.1,0.2 seed=0,1")


def refuse_numbers(sweeper: DictConfig) -> None:
    """Raise InputError for a search of no trials, or of no trials at once."""
    search = sweeper._target_ == SEARCH_TARGET
    for name in ("n_trials", "n_jobs") if search else ():
        value = sweeper[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"hydra.sweeper.{name}={value}: expected a whole number of at least 1")
    if search and not accepts(Seed, sweeper.seed):
        raise InputError(f"hydra.sweeper.seed={sweeper.seed}: expected {describe(Seed)}")
