"""`linnet reproduce EXPERIMENT`: run every arm with every seed, and compare with results.json or update it."""

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linnet.config.groups import read_about
from linnet.reproduction.environment import EXPERIMENT_KEYS, experiment_differences
from linnet.reproduction.experiment_report import ExperimentReport, Row
from linnet.reproduction.find_experiment import Experiment, find_experiment
from linnet.reproduction.picture import NAME, draw, pictured
from linnet.reproduction.plan import Planned, plan
from linnet.reproduction.results import Arm, Recorded, Results, read_results, write_results
from linnet.system.errors import Diverged, InputError
from linnet.system.files import write_atomic
from linnet.system.reading import read_json
from linnet.system.sanitize import plain


@dataclass(frozen=True)
class Measured:
    """Result of one run. state: "completed" or "diverged". manifest: of its directory, which is removed."""

    state: str
    metrics: Mapping[str, float | None]
    manifest: Mapping[str, Any]


def reproduce_experiment(
    target: str | Path | Experiment, *, seeds: Sequence[int] | None = None, threads: int | None = None
) -> ExperimentReport:
    """Run an experiment again, and compare with what is recorded.

    Args:
        target: a name (shipped, or in ./experiments) or a folder with experiment.yaml and results.json.
        seeds: those to run, of the recorded ones; None: all.
        threads: of torch; None: as the configuration says, where null means as many as torch finds here.

    Raises:
        InputError: if it does not exist, is malformed, or asks for what is not allowed; if its data cannot be had.
    """
    started, experiment = time.monotonic(), _found(target)
    results = read_results(experiment.results)
    chosen = _chosen(experiment, results, seeds)
    runs = [measure(run) for run in plan(experiment, results, chosen, threads)]
    return _report(experiment, results, chosen, runs, started)


def record_experiment(target: str | Path | Experiment) -> ExperimentReport:
    """Run an experiment with all its seeds, and write values, states and environment into its results.json.

    Arms, metrics, tolerances and seeds stay as they are. The report compares with what was recorded before. If the
    experiment's YAML names metrics below `about.picture`, `picture.svg` shows them as they are now.

    Raises:
        InputError: as `reproduce_experiment`; if an arm completes with one seed and diverges with another, or has no
            such metric. Nothing is written then.
    """
    started, experiment = time.monotonic(), _found(target)
    try:
        before, values = read_results(experiment.results), True
    except InputError:  # of a new experiment: what it lacks is what is to be recorded
        before, values = read_results(experiment.results, measured=False), False
    runs = [measure(run) for run in plan(experiment, before, before.seeds, None)]
    n = len(before.seeds)
    arms = tuple(_recorded(experiment, arm, runs[index * n : (index + 1) * n]) for index, arm in enumerate(before.arms))
    now = Results(before.seeds, arms, _environment(runs))
    write_results(experiment.results, now)
    metrics = pictured(read_about(experiment.folder))
    if metrics:
        write_atomic(experiment.folder / NAME, draw(now, metrics))
    return _report(experiment, before if values else now, before.seeds, runs, started, recorded_again=True)


def measure(planned: Planned) -> Measured:
    """Train one run of an experiment in a directory that is removed afterwards."""
    # Late, so that what is wrong with an experiment is said before torch is imported.

    from linnet.reproduction.rerun import as_many_threads_afterwards, log_to
    from linnet.system.terminal import Terminal
    from linnet.tracking.directory import RunDirectory
    from linnet.training.context import RunRequest
    from linnet.training.run import run_to_end

    with tempfile.TemporaryDirectory(prefix="linnet-") as folder, as_many_threads_afterwards():
        directory, metrics = Path(folder), {}
        try:
            with log_to(directory / "train.log"):
                where, console = RunDirectory(directory), Terminal(quiet=True)
                request = RunRequest(where, planned.config, planned.choices, console, only_tensorboard=True)
                metrics = run_to_end(request).metrics
            state = "completed"
        except Diverged:
            state = "diverged"
        finite = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        return Measured(state, finite, read_json(directory / "manifest.json"))


def _found(target: str | Path | Experiment) -> Experiment:
    return target if isinstance(target, Experiment) else find_experiment(target)


def _chosen(experiment: Experiment, results: Results, seeds: Sequence[int] | None) -> Sequence[int]:
    unknown = [seed for seed in seeds or () if seed not in results.seeds]
    if unknown:
        recorded = ", ".join(map(str, results.seeds))
        raise InputError(f"{experiment.name}: seed {unknown[0]} is not recorded, choose from: {recorded}")
    return results.seeds if seeds is None else list(dict.fromkeys(seeds))


def _report(
    experiment: Experiment,
    results: Results,
    seeds: Sequence[int],
    runs: Sequence[Measured],
    started: float,
    recorded_again: bool = False,
) -> ExperimentReport:
    """Compare runs, ordered by arm and then by seed, with the results."""
    rows = []
    for index, arm in enumerate(results.arms):
        own = runs[index * len(seeds) : (index + 1) * len(seeds)]
        places = [results.seeds.index(seed) for seed in seeds]
        states: dict[int, float | str | None] = dict(zip(places, (run.state for run in own), strict=True))
        if arm.state == "diverged" or any(state != arm.state for state in states.values()):
            rows.append(Row(arm, "state", [arm.state] * len(results.seeds), states, None))
        for name, recorded in arm.metrics.items():
            here = {place: run.metrics.get(name) for place, run in zip(places, own, strict=True)}
            missing = [place for place, run in zip(places, own, strict=True) if name not in run.metrics]
            # A figure that is not there differs from one that is not finite.
            rows.append(
                Row(arm, plain(name), recorded.values, here | dict.fromkeys(missing, "none"), recorded.tolerance)
            )
    environment = experiment_differences(results.environment, runs[0].manifest)
    seconds = time.monotonic() - started
    return ExperimentReport(
        experiment.name, len(results.arms), len(seeds), rows, environment, seconds, recorded_again=recorded_again
    )


def _recorded(experiment: Experiment, arm: Arm, runs: Sequence[Measured]) -> Arm:
    """Return the arm with the values of these runs, one for each seed."""
    states = [run.state for run in runs]
    where = f"{experiment.name}, arm '{plain(arm.name)}'"
    if len(set(states)) > 1:
        raise InputError(f"{where}: {', '.join(states)} with its seeds; nothing is recorded, choose seeds that agree")
    if (states[0] == "diverged") != (not arm.metrics):
        remedy = "an arm that does has none" if arm.metrics else "choose some to record"
        raise InputError(f"{where}: it {states[0]}, and has {len(arm.metrics)} metrics; nothing is recorded, {remedy}")
    for name in arm.metrics:
        if any(name not in run.metrics for run in runs):
            known = ", ".join(runs[0].metrics)
            raise InputError(f"{where}: there is no metric {plain(name)}; nothing is recorded, choose from: {known}")
    figures = {
        name: Recorded(tuple(run.metrics[name] for run in runs), figure.tolerance)
        for name, figure in arm.metrics.items()
    }
    return Arm(arm.overrides, states[0], figures)


def _environment(runs: Sequence[Measured]) -> dict[str, Any]:
    return {key: runs[0].manifest[key] for key in EXPERIMENT_KEYS}
