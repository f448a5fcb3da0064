"""The order of groups: which metric, which way is better, and what comes first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from linnet.errors import InputError
from linnet.sweeps.groups import Group
from linnet.sweeps.runs import SavedRun

LOWER_IS_BETTER = ("loss", "nll", "mse", "rmse", "mae", "error", "divergence", "objective")
SCORES = ("accuracy", "r2")


@dataclass(frozen=True)
class Objective:
    """The metric that orders the groups, and whether less of it is better."""

    metric: str
    minimize: bool

    @property
    def part(self) -> str:
        """The part of the data that the metric is of: val, train or test."""
        return self.metric.partition("/")[0]


def choose_objective(runs: Sequence[SavedRun], metric: str | None = None) -> Objective:
    """What orders the groups: `metric`, or else what most runs were configured to be chosen by.

    The direction is the configured one for the configured metric, and follows from the name of any other. Where no
    run has the configured metric, as without validation examples, train/loss stands in as it does in training.

    Raises:
        InputError: if `metric` is given and no run has it.
    """
    votes = Counter((run.value("objective.metric"), run.value("objective.direction")) for run in runs)
    votes.pop((None, None), None)
    name, direction = votes.most_common(1)[0][0] if votes else ("val/loss", "minimize")
    known = dict.fromkeys(key for run in runs for key in run.metrics)
    if metric is not None and metric not in known:
        raise InputError(f"compare: --metric {metric}: no run has it; choose from: {', '.join(known) or 'none'}")
    chosen = metric or (name if name in known or "train/loss" not in known else "train/loss")
    if chosen == name:
        return Objective(chosen, direction == "minimize")
    return Objective(chosen, any(word in chosen for word in LOWER_IS_BETTER))


def score_beside(objective: Objective, runs: Sequence[SavedRun]) -> str | None:
    """Accuracy or R² on the objective's part of the data, if runs have it and it is not the objective itself."""
    names = [f"{objective.part}/{score}" for score in SCORES]
    known = {key for run in runs for key in run.metrics}
    return next((name for name in names if name in known and name != objective.metric), None)


def ranked(groups: Sequence[Group], objective: Objective) -> list[Group]:
    """Best first.

    Settings with which a run diverged come after all others, whatever their other seeds reached; groups without a
    result come last.
    """

    def key(group: Group) -> tuple[bool, bool, float]:
        value = group.spread(objective.metric)
        mean = 0.0 if value is None else value.mean if objective.minimize else -value.mean
        return value is None, "diverged" in group.states, mean

    return sorted(groups, key=key)
