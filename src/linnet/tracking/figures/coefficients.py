"""Draw the coefficients of a model by feature."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from linnet.tracking.figures.style import BLUE, GREY, INK, RED, add_legend, message_figure, new_figure, style_plot

MAX_FEATURES = 30
PER_CLASS = 10
MAX_CLASSES = 12  # with more the names no longer fit a page
LONGEST = 28  # characters of a name
LINE = 0.22
"""Inches from one feature to the next."""


def coefficients(
    weight: ArrayLike,
    feature_names: Sequence[str],
    *,
    optimum: ArrayLike | None = None,
    std_error: ArrayLike | None = None,
    margin: float = 1.96,
    unit: str = "coefficient",
) -> Figure:
    """Weights of a target, at most 30 and the largest first, and the best ones with their intervals if they are known.

    Args:
        weight: `[D]`. Tensor or array.
        feature_names: D names.
        optimum, std_error: `[D]`, both or none; drawn is optimum ± margin std_error.
        margin: half the width of an interval in standard errors.
        unit: label of the axis.
    """
    values = np.asarray(weight, dtype=np.float64)
    shown = _largest(values, MAX_FEATURES)
    if not shown.size:
        return message_figure("No finite coefficient to draw: the model diverged, or has no features.")
    figure = new_figure(6.4, 1.2 + LINE * max(len(shown), 4))
    axes = figure.subplots()
    place = np.arange(len(shown))
    if optimum is not None and std_error is not None:
        best, error = (np.asarray(numbers, dtype=np.float64)[shown] for numbers in (optimum, std_error))
        axes.errorbar(
            best, place, xerr=margin * error, fmt="o", color=BLUE, markersize=4, linewidth=1.4, capsize=2,
            label="least squares, 95 % interval",
        )  # fmt: skip
    axes.plot(values[shown], place, "x", color=RED, markersize=5, zorder=3, label="this run")
    left_out = f", {len(shown)} largest of {len(values)}" if len(shown) < len(values) else ""
    _finish(axes, shown, feature_names, f"coefficients{left_out}", unit)
    if optimum is not None:
        add_legend(axes, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)  # beside the title
    return figure


def strongest_features(
    weight: ArrayLike, feature_names: Sequence[str], class_names: Sequence[str], *, unit: str = "coefficient"
) -> Figure:
    """Show the 10 largest weights of each class or target: red ones raise its score, blue ones lower it.

    Args:
        weight: `[C, D]`. Tensor or array.
        feature_names: D names.
        class_names: C names; the first 12 are drawn.
        unit: label of the axes.
    """
    values = np.asarray(weight, dtype=np.float64)
    drawn = min(len(class_names), MAX_CLASSES)
    lines = min(PER_CLASS, max(len(feature_names), 1))
    rows = -(-drawn // 2)
    figure = new_figure(9.6, rows * (1.1 + LINE * max(lines, 4)))
    panels = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes, row, name in zip(panels, values[:drawn], class_names[:drawn], strict=False):
        shown = _largest(row, PER_CLASS)
        axes.barh(np.arange(len(shown)), row[shown], color=[RED if row[i] > 0 else BLUE for i in shown], height=0.7)
        _finish(axes, shown, feature_names, _short(name), unit)
    for axes in panels[drawn:]:
        axes.set_axis_off()
    if drawn < len(class_names):
        figure.suptitle(f"the first {drawn} of {len(class_names)} classes", color=INK)
    return figure


def _largest(values: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Return the indices of the finite values of largest magnitude, largest first."""
    finite = np.flatnonzero(np.isfinite(values))
    return finite[np.argsort(-np.abs(values[finite]), kind="stable")][:most]


def _finish(axes: Axes, shown: NDArray[np.intp], names: Sequence[str], title: str, unit: str) -> None:
    axes.axvline(0, color=GREY, linewidth=1)
    style_plot(axes, title, unit, "")
    axes.set_yticks(np.arange(len(shown)), [_short(names[i]) for i in shown])
    axes.set_ylim(max(len(shown), 4) - 0.4, -0.6)  # the largest on top
    axes.locator_params(axis="x", nbins=6)


def _short(name: str) -> str:
    """Shorten a name and escape dollar signs, which would begin a formula."""
    return (name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…").replace("$", r"\$")
