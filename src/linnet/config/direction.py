"""Which way is better: every metric that linnet reports is listed here once."""

from collections.abc import Mapping
from typing import Any, Literal

from linnet.system.errors import InputError

Direction = Literal["minimize", "maximize"]

LOWER_IS_BETTER = frozenset({
    "loss", "loss_epoch", "objective", "mse", "rmse", "mae", "nll", "calibration_error", "kl_divergence",
    "bound", "gap", "gap_log10", "distance", "weight_error", "bias_error",
})  # fmt: skip
HIGHER_IS_BETTER = frozenset({"accuracy", "top2_accuracy", "macro_f1", "r2", "adjusted_r2", "bayes_accuracy"})
NEITHER = frozenset({"predictive_entropy"})
"""Metrics of a split that have no better direction: a classifier may be too sure as well as too unsure."""


def known_direction(metric: str) -> Direction | None:
    """Return the direction of a metric such as "val/accuracy"; None if it has none, or is unknown.

    `objective.direction` is for those.
    """
    name = metric.partition("/")[2]
    if name in LOWER_IS_BETTER:
        return "minimize"
    return "maximize" if name in HIGHER_IS_BETTER else None


def direction(objective: Mapping[str, Any]) -> Direction:
    """Return the direction of a configured objective.

    A stated direction comes before the metric's own: `check_direction` lets the two differ only in a run recorded
    before metrics had one, which then goes on as it began. A metric that no run logs is refused when the data is known.

    Args:
        objective: `metric`, and `direction` or None.
    """
    return objective.get("direction") or known_direction(str(objective["metric"])) or "minimize"


def check_direction(objective: Mapping[str, Any]) -> None:
    """Raise InputError if the stated direction contradicts the metric's own, or is missing where it has none."""
    metric, stated = objective["metric"], objective["direction"]
    known = known_direction(metric)
    if known is None and stated is None and metric.partition("/")[2] in NEITHER:
        raise InputError(
            f"objective.metric={metric}: neither lower nor higher is better by itself, so say which is wanted: "
            f"objective.direction=minimize or maximize"
        )
    if known is not None and stated is not None and stated != known:
        better = {"minimize": "lower", "maximize": "higher"}[known]
        raise InputError(
            f"objective.direction={stated}: {better} is better for objective.metric={metric}; leave "
            f"objective.direction out"
        )


def training_counterpart(metric: str) -> str:
    """Return the metric that stands in for `metric` where there are no validation examples: "train/accuracy"."""
    return f"train/{metric.partition('/')[2] or metric}"
