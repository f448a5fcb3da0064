"""Sensitivity of a metric to one hyperparameter, with a band over seeds or resamples."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linnet.comparison.groups import Group, legend_label
from linnet.comparison.ranking import Objective
from linnet.comparison.sweep_axes import scale_axis
from linnet.tracking.figures.style import BLUE, PALETTE, RED, add_legend, literal, new_figure, style_plot

MAX_LINES = len(PALETTE)
LOG_DECADES = 2  # a positive range wider than this is drawn on a logarithmic axis


def metric_against(key: str, groups: Sequence[Group], objective: Objective) -> Figure:
    """Draw the objective over a numeric hyperparameter, one line for each combination of the other settings.

    The band is one standard deviation over seeds to either side, of a metric of resamples one standard error. Where
    most combinations have a single point, as in a random search, there are points instead of lines. Settings without a
    result are crosses at the upper edge.

    Args:
        key: the hyperparameter.
        groups: best first; those without the hyperparameter are left out.
        objective: the metric drawn.
    """
    groups = [group for group in groups if group.settings[key] is not None]
    lines: dict[str, list[Group]] = {}
    for group in groups:
        others = {other: value for other, value in group.settings.items() if other != key}
        lines.setdefault(legend_label(others), []).append(group)

    figure = new_figure(7.2, 4.2)
    axes = figure.subplots()
    values = [value for group in groups if (value := group.spread(objective.metric))]
    if any(value.is_error for value in values):
        title = f"{objective.metric}, mean ± standard error over resamples"
    elif any(len(group.completed) > 1 for group in groups):
        title = f"{objective.metric}, mean ± standard deviation over seeds"
    else:
        title = objective.metric
    if len(groups) < 2 * len(lines) and len(lines) > 1:
        _draw(axes, key, groups, objective, color=BLUE, linestyle="none")
    else:
        colours = [BLUE] if len(lines) == 1 else PALETTE
        for (name, members), colour in zip(lines.items(), colours, strict=False):
            _draw(axes, key, members, objective, color=colour, label=name)
        if len(lines) > MAX_LINES:
            title += f" (best {MAX_LINES} of {len(lines)} lines)"
    _mark_missing(axes, key, groups, objective)
    scale_axis(axes, [group.settings[key] for group in groups])
    scale_metric(axes, [value.mean for value in values])
    style_plot(axes, title, key, objective.metric)
    outer_legend(figure, axes)
    return figure


def scale_metric(axes: Axes, values: Sequence[float]) -> None:
    """Make the y axis logarithmic if all values are positive and span more than two decades."""
    if values and min(values) > 0 and max(values) > 10**LOG_DECADES * min(values):
        axes.set_yscale("log")


def _draw(axes: Axes, key: str, groups: Sequence[Group], objective: Objective, **look: Any) -> None:
    found = [(group.settings[key], value) for group in groups if (value := group.spread(objective.metric))]
    points = sorted(found, key=lambda point: (point[0], point[1].mean))
    if not points:
        return
    x = np.array([place for place, _ in points], dtype=np.float64)
    mean = np.array([value.mean for _, value in points])
    std = np.array([value.std or 0.0 for _, value in points])
    axes.plot(x, mean, marker="o", markersize=4, linewidth=1.8, **look)
    if not std.any():
        return
    if look.get("linestyle") == "none":
        axes.errorbar(x, mean, std, color=look["color"], linestyle="none", linewidth=1)
    else:
        axes.fill_between(x, mean - std, mean + std, color=look["color"], alpha=0.2, linewidth=0)


def _mark_missing(axes: Axes, key: str, groups: Sequence[Group], objective: Objective) -> None:
    missing = [group for group in groups if group.spread(objective.metric) is None]
    if missing:
        states = ", ".join(dict.fromkeys(state for group in missing for state in group.states))
        x = [group.settings[key] for group in missing]
        axes.plot(x, [0.97] * len(x), "x", color=RED, transform=axes.get_xaxis_transform(), label=states)


WIDTH = 40  # characters, so that the curves keep more than half of the picture
LINE = 0.2  # inches


def outer_legend(figure: Figure, axes: Axes) -> None:
    """Add the legend of everything labelled, in wrapped lines, and make the figure high enough for it."""
    handles, labels = axes.get_legend_handles_labels()
    wrapped = [textwrap.fill(literal(label), WIDTH) for label in labels]
    lines = sum(label.count("\n") + 1 for label in wrapped)
    figure.set_figheight(max(figure.get_figheight(), LINE * lines + 0.8))
    if lines:
        add_legend(axes, handles=handles, labels=wrapped, loc="upper left", bbox_to_anchor=(1.0, 1.0))
