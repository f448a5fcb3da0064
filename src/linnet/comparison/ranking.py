"""Rank groups of runs by a metric."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from linnet.comparison.groups import Group
from linnet.comparison.runs import SavedRun
from linnet.config.direction import known_direction, training_counterpart
from linnet.config.metric_names import is_of_one_resample
from linnet.system.errors import InputError

SCORES = ("accuracy", "r2")


@dataclass(frozen=True)
class Objective:
    """Metric that ranks the groups, and its direction."""

    metric: str
    minimize: bool

    @property
    def part(self) -> str:
        """What the metric is of: val, train, test, or cv for what resamples leave out."""
        return self.metric.partition("/")[0]


def choose_objective(runs: Sequence[SavedRun], metric: str | None = None, stated: str | None = None) -> Objective:
    """Return what ranks the groups: `metric`, or else the objective that most runs were configured with.

    The direction is the metric's own, whatever an old run recorded; of a metric that has none, the stated one, else the
    one that the runs were configured with. Where no run has the configured metric, as without validation examples, that
    of the training examples stands in, as it does in training.

    Args:
        runs: at least one.
        metric: asked for.
        stated: "minimize" or "maximize", for a metric that has no direction.

    Raises:
        InputError: if `metric` is given and no run has it, or its direction is unknown, or stated and another.
    """
    votes = Counter(found for run in runs if isinstance(found := run.value("objective.metric"), str))
    name = votes.most_common(1)[0][0] if votes else "val/loss"
    recorded = (run.value("objective.direction") for run in runs if run.value("objective.metric") == name)
    configured = next((way for way in recorded if way is not None), None)
    known = dict.fromkeys(key for run in runs for key in run.metrics)
    if metric is not None and metric not in known:
        names = [key for key in known if not is_of_one_resample(key)]
        raise InputError(f"compare: --metric {metric}: no run has it; choose from: {', '.join(names) or 'none'}")
    stand_in = training_counterpart(name)
    chosen = metric or (name if name in known or stand_in not in known else stand_in)
    own = known_direction(chosen)
    if own is not None and stated not in (None, own):
        raise InputError(f"compare: --direction {stated}: {chosen} is to {own}; leave --direction out")
    direction = own or stated or (configured if chosen in (name, stand_in) else None)
    if direction is None and metric is not None:
        raise InputError(
            f"compare: --metric {chosen}: neither lower nor higher is better by itself: add --direction minimize or "
            f"maximize"
        )
    return Objective(chosen, direction != "maximize")


def score_beside(objective: Objective, runs: Sequence[SavedRun]) -> str | None:
    """Return accuracy or R² on the objective's split, if runs have it and it is not the objective itself."""
    names = [f"{objective.part}/{score}" for score in SCORES]
    known = {key for run in runs for key in run.metrics}
    return next((name for name in names if name in known and name != objective.metric), None)


def ranked(groups: Sequence[Group], objective: Objective) -> list[Group]:
    """Return the groups, best first.

    Settings with which a run, or one of its resamples, diverged come after all others, whatever their other seeds or
    resamples reached; groups without a result come last.
    """

    def key(group: Group) -> tuple[bool, bool, float]:
        value = group.spread(objective.metric)
        mean = 0.0 if value is None else value.mean if objective.minimize else -value.mean
        return value is None, group.has_diverged, mean

    return sorted(groups, key=key)
