"""`linnet train --multirun`: plan the jobs, skip what is done, run the rest, say what came of it."""

import os
from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from linnet.config import check, compose_sweep, config_hash, session
from linnet.config.direction import direction
from linnet.errors import InputError
from linnet.garbage import kept_until_the_end
from linnet.sweeps.composer import Composer
from linnet.sweeps.grid import choices, expand, parse, swept_keys
from linnet.sweeps.launch import Launcher, Planned
from linnet.sweeps.ledger import FINISHED, Job, Ledger
from linnet.sweeps.report import Report
from linnet.sweeps.search import Outcome, search, space

SEARCH_TARGET = "linnet.sweeps.search.search"
QUIET = ("hydra.job_logging.root.handlers=[file]", "hydra/hydra_logging=none")
"""A sweep prints a line a job; what a single run would print goes to the job's train.log."""


def multirun(overrides: Sequence[str]) -> int:
    """Run a sweep and return the exit code: 0 if every job completed, else 1.

    Running it again on the same `hydra.sweep.dir` keeps what is finished, tries again what is not, and adds what is
    new. Figures of single jobs are off unless the overrides ask for them: drawing costs more than training.

    Raises:
        InputError: if any job's configuration is wrong; nothing has run then.
    """
    with session():
        loader = GlobalHydra.instance().config_loader()
        figures = [] if any(text.startswith("figures=") for text in overrides) else ["figures=false"]
        master = compose_sweep([*overrides, *figures, *QUIET])
        parsed = parse(master.hydra.overrides.task, master.hydra.sweeper.params or {}, OverridesParser.create(loader))
        folder = Path(master.hydra.sweep.dir)
        again = [text for text in overrides if not text.startswith("hydra.sweep.dir=")]
        again.append(f"hydra.sweep.dir={os.path.relpath(folder)}")
        sweep = Sweep(master, loader, parsed, again)
        return sweep.search() if master.hydra.sweeper._target_ == SEARCH_TARGET else sweep.grid()


class Sweep:
    """One sweep directory and what shall run in it.

    Args:
        master: the sweep's configuration.
        loader: Hydra's, which composes the jobs' configurations.
        overrides: of the jobs, some of them with many values.
        again: the command line that goes on with this sweep.
    """

    def __init__(
        self, master: DictConfig, loader: ConfigLoader, overrides: Sequence[Override], again: Sequence[str]
    ) -> None:
        self.master, self.loader, self.overrides, self.again = master, loader, overrides, again
        self.composer = Composer(master, loader)
        self.ledger = Ledger(Path(master.hydra.sweep.dir))

    def grid(self) -> int:
        """Every combination of the swept values. Returns the exit code."""
        planned = self.plan(expand(self.overrides))  # before anything is made: one wrong job, and none runs
        with self.ledger as ledger:
            jobs = ledger.enter([(job.identity, job.words) for job in planned])
            report = self.report(jobs, planned[0].config)
            launcher = Launcher(self.master, self.loader, report)
            missing = [job for job in jobs if ledger.status(job)["state"] not in FINISHED]
            report.opening(len(jobs), len(jobs) - len(missing))
            plans = {job.identity: job for job in planned}
            try:
                launcher.launch([(job, plans[job.identity]) for job in missing])
            except KeyboardInterrupt:
                report.summary(self.again)
                raise
            report.summary(self.again)
            return 0 if all(ledger.status(job)["state"] == "completed" for job in jobs) else 1

    def search(self) -> int:
        """Trials that Optuna proposes. Returns the exit code: 0 if any trial completed."""
        options = self.master.hydra.sweeper
        distributions = space(self.overrides)
        fixed = [text for override in self.overrides if not override.is_sweep_override() for text in choices(override)]
        (first,) = self.plan([fixed])
        with self.ledger as ledger:
            report = self.report(list(ledger.jobs.values()), first.config)
            launcher = Launcher(self.master, self.loader, report)

            def run(proposals: list[list[str]]) -> list[Outcome]:
                planned = self.plan([[*fixed, *proposal] for proposal in proposals])
                jobs = {job.identity: job for job in ledger.enter([(job.identity, job.words) for job in planned])}
                report.jobs += [job for job in jobs.values() if job not in report.jobs]
                plans = {job.identity: job for job in planned}
                missing = [job for job in jobs.values() if ledger.status(job)["state"] not in FINISHED]
                launcher.launch([(job, plans[job.identity]) for job in missing])
                states = [ledger.status(jobs[job.identity])["state"] for job in planned]
                return [
                    (state, report.value(jobs[job.identity]) if state == "completed" else None)
                    for state, job in zip(states, planned, strict=True)
                ]

            report.opening(options.n_trials, sum(ledger.status(job)["state"] in FINISHED for job in report.jobs))
            try:
                search(
                    ledger.folder / "optuna.journal", options.n_trials, options.n_jobs, options.seed,
                    report.direction, distributions, run,
                )  # fmt: skip
            except KeyboardInterrupt:
                report.summary(self.again)
                raise
            report.summary(self.again)
            return 0 if report.best() is not None else 1

    def plan(self, jobs: Sequence[Sequence[str]]) -> list[Planned]:
        """Each job with its configuration, checked.

        Raises:
            InputError: naming what is wrong with the first job that cannot run.
        """
        planned = []
        with kept_until_the_end():
            for words in jobs:
                config, hydra = self.composer.compose(words)
                resolved = check(config, hydra)
                _refuse_several_processes(resolved["trainer"]["devices"])
                planned.append(Planned(config_hash(resolved), words, config, resolved, hydra))
        return planned

    def report(self, jobs: Sequence[Job], config: DictConfig) -> Report:
        objective = config.objective
        return Report(self.ledger, jobs, (objective.metric, direction(objective)), swept_keys(self.overrides))


def _refuse_several_processes(devices: int) -> None:
    if devices > 1:
        raise InputError(
            f"trainer.devices={devices}: the jobs of a sweep do not divide themselves, since it gains more to run them "
            f"side by side: use trainer=default hydra/launcher=vectorized"
        )
