"""Search by Optuna: trials are jobs of the registry, and the study is a journal in the sweep directory.

A killed search goes on: finished trials are in the journal, and a trial that was running is run again first.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep

from linnet.config.direction import Direction
from linnet.sweeps.samplers import make_sampler
from linnet.system.errors import InputError

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage

WORST = float("inf")
"""The objective of a diverged job, up to its sign. NaN would end the search, and none would teach it nothing."""

OBJECTIVE = "objective"
"""Attribute of the study: the metric of its trials."""

Outcome = tuple[str, float | None]
"""(state, objective if completed)"""


def space(overrides: Sequence[Override]) -> dict[str, "BaseDistribution"]:
    """Map swept keys to distributions: intervals (`tag(log, …)` for a log scale), ranges and choices.

    Raises:
        InputError: if Optuna is not installed, or nothing is swept.
    """
    try:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    except ImportError as error:
        raise InputError("search=optuna: Optuna is not installed: pip install 'optuna>=4'") from error
    found: dict[str, BaseDistribution] = {}
    for override in overrides:
        if not override.is_sweep_override():
            continue
        key, value = override.get_key_element(), override.value()
        if isinstance(value, IntervalSweep):
            low, high, log = value.start, value.end, "log" in value.tags
            if low is None or high is None or low >= high or (log and low <= 0):
                raise InputError(
                    f"{override.input_line}: expected interval(low, high) with low < high, above 0 for log"
                )
            if isinstance(low, int) and isinstance(high, int):
                found[key] = IntDistribution(low, high, log=log)
            else:
                found[key] = FloatDistribution(low, high, log=log)
        elif isinstance(value, (ChoiceSweep, RangeSweep)):
            found[key] = CategoricalDistribution(list(override.sweep_string_iterator()))
    if not found:
        raise InputError("search=optuna: nothing to search over, give hydra.sweeper.params or key=interval(low, high)")
    return found


def search(
    study: "Study", options: Mapping[str, Any], distributions: dict[str, "BaseDistribution"],
    run: Callable[[list[list[str]]], list[Outcome]],
) -> None:  # fmt: skip
    """Run trials until `n_trials` have ended, those that the study has counted in.

    Args:
        study: as `open_study` returns it.
        options: n_trials that shall have ended, n_jobs asked for at once, the sampler with its seed and options.
        distributions: what is searched.
        run: runs jobs, given as swept overrides, and returns the outcome of each.
    """
    from optuna.trial import TrialState

    n_trials, n_jobs = options["n_trials"], options["n_jobs"]
    study.sampler = make_sampler(options, len(study.trials))
    for cut_off in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(cut_off.number, state=TrialState.FAIL)
        study.enqueue_trial(cut_off.params)
    worst = WORST if study.direction.name == "MINIMIZE" else -WORST
    while (left := n_trials - ended(study)) > 0:
        trials = [study.ask(distributions) for _ in range(min(n_jobs, left))]
        outcomes = run([_overrides(trial) for trial in trials])
        for trial, (state, objective) in zip(trials, outcomes, strict=True):
            if state == "completed" and objective is not None:
                study.tell(trial, objective)
            else:  # a failed trial counts: it would fail again
                study.tell(trial, worst)


def open_study(
    folder: Path, metric: str, direction: Direction, distributions: dict[str, "BaseDistribution"],
    database: "BaseStorage | None" = None,
) -> "Study":  # fmt: skip
    """Create the study of a sweep directory, of a metric and a space, or resume the existing one.

    database: where the study is, by the name of the directory; None: in a journal in the directory.

    Raises:
        InputError: the trials in the storage were of another objective, or of a space that does not go with this one.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = "linnet" if database is None else str(folder.resolve())
    storage = database or JournalStorage(JournalFileBackend(str(folder / "optuna.journal")))
    study = optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True)
    _refuse_another(study, folder, metric, direction, distributions)
    study.set_user_attr(OBJECTIVE, metric)
    return study


def _refuse_another(
    study: "Study", folder: Path, metric: str, direction: Direction, distributions: dict[str, "BaseDistribution"]
) -> None:
    """Raise InputError unless new trials can stand beside those that the study has."""
    from optuna.distributions import check_distribution_compatibility

    elsewhere = "choose another hydra.sweep.dir"
    before = study.user_attrs.get(OBJECTIVE, metric), study.direction.name.lower()
    if before != (metric, direction):
        raise InputError(
            f"{folder}: its trials {before[1]} {before[0]}, this search would {direction} {metric}: {elsewhere}"
        )
    for trial in study.get_trials(deepcopy=False):
        for key in dict.fromkeys([*distributions, *trial.distributions]):
            old, new = trial.distributions.get(key), distributions.get(key)
            if old is None or new is None:
                other = "was not searched" if old is None else "was searched"
                raise InputError(f"{folder}: {key} {other} by the trials that are there: {elsewhere}")
            try:
                check_distribution_compatibility(old, new)
            except ValueError as error:
                raise InputError(
                    f"{folder}: {key} was searched over {_words(old)}, and now over {_words(new)}: {elsewhere}"
                ) from error


def _words(distribution: "BaseDistribution") -> str:
    """Format choices as `0.01, 0.1`, numbers as `interval(0.01, 1), log`."""
    node: Any = distribution._asdict()
    if "choices" in node:
        return ", ".join(map(str, node["choices"]))
    return f"interval({node['low']:g}, {node['high']:g})" + (", log" if node["log"] else "")


def ended(study: "Study") -> int:
    """Return the trials that have an objective."""
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _overrides(trial: "Trial") -> list[str]:
    # Five digits are as good as seventeen to train with, and better to read; they are what the run is given.
    return [
        f"{key}={value:.5g}" if isinstance(value, float) else f"{key}={value}" for key, value in trial.params.items()
    ]
