"""Learning curves: loss and validation metric during one run."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from linnet.tracking.figures.style import (
    BLUE,
    GREY,
    INK,
    MAX_POINTS,
    MEDIUM,
    RED,
    add_legend,
    message_figure,
    new_figure,
    style_plot,
)

Curve: TypeAlias = tuple[Sequence[int], Sequence[float]]
"""Steps and the values logged at them; a NamedTuple of two lists is one."""

Points: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]

LOSSES: dict[str, dict[str, Any]] = {
    "train/loss": {"color": GREY, "alpha": 0.45, "linewidth": 0.8, "label": "train, each step"},
    "train/loss_epoch": {"color": BLUE, "linewidth": 1.8, "label": "train, epoch mean"},
    "val/loss": {"color": RED, "linewidth": 1.8, "label": "validation"},
    "cv/loss": {"color": RED, "linewidth": 1.8, "label": "cross-validation, ± std"},
}
METRICS = {
    "val/accuracy": "validation accuracy", "val/r2": "validation R²",
    "cv/accuracy": "cross-validated accuracy", "cv/r2": "cross-validated R²",
}  # fmt: skip
LOG_DECADES = 2  # a positive range wider than this is drawn on a logarithmic axis
MARKED_POINTS = 40  # few epochs are shown as dots on the line, many as the line alone


def learning_curves(history: Mapping[str, Curve]) -> Figure:
    """Losses of one run over its steps and, where it was logged, the validation metric beside them.

    The loss axis is logarithmic when all losses are positive and span more than two decades. Non-finite values are
    left out, and the title counts them: they are how a diverged run ends.

    Args:
        history: curves by name. Drawn are "train/loss" (every step), "train/loss_epoch", "val/loss", "cv/loss" with
            its deviation over the resamples, and the first present of accuracy and R² of either; others are ignored.

    Returns:
        One or two panels; a message when `history` holds none of the losses.
    """
    losses = {key: _points(history[key]) for key in LOSSES if key in history}
    if not losses:
        return message_figure("No loss was logged.")
    metric = next((key for key in METRICS if key in history), None)

    per_epoch = _steps_per_epoch(history)
    figure = new_figure(5.2, 5.6 if metric else 3.6)
    panels = figure.subplots(2 if metric else 1, 1, squeeze=False, sharex=True)[:, 0]
    _draw_losses(panels[0], losses)
    _draw_band(panels[0], history, "cv/loss")
    if metric:
        steps, values = _finite(*_points(history[metric]))
        panels[1].plot(steps, values, color=RED, linewidth=1.8, marker=_marker(steps), markersize=4)
        _draw_band(panels[1], history, metric)
        best = f" (best {values.max():.3g})" if len(values) else ""
        style_plot(panels[1], f"{METRICS[metric]}{best}", "", METRICS[metric].split()[-1])
    _label_steps(panels[-1], per_epoch)
    return figure


def _steps_per_epoch(history: Mapping[str, Curve]) -> int | None:
    """Return the steps of an epoch, at whose end its mean loss is logged; None where none ended."""
    ends = history["train/loss_epoch"][0] if "train/loss_epoch" in history else []
    return int(ends[0]) if len(ends) and ends[0] > 0 else None


def _label_steps(axes: Axes, per_epoch: int | None) -> None:
    """Number an axis of steps by epochs, and say how many steps these have."""
    if per_epoch is None:
        axes.locator_params(axis="x", nbins=6)  # step numbers have up to seven digits
        axes.set_xlabel("step", fontsize=MEDIUM, color=INK)
        return
    low, high = axes.get_xlim()
    epochs = [tick for tick in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low / per_epoch, high / per_epoch)
              if low <= tick * per_epoch <= high]  # fmt: skip
    axes.set_xticks([tick * per_epoch for tick in epochs], [f"{tick:g}" for tick in epochs])
    axes.set_xlim(low, high)
    axes.set_xlabel(f"epoch (of {per_epoch} {'step' if per_epoch == 1 else 'steps'})", fontsize=MEDIUM, color=INK)


def _draw_band(axes: Axes, history: Mapping[str, Curve], name: str) -> None:
    """Draw a curve's standard deviation over resamples around it, if it was logged."""
    if f"{name}_std" not in history:
        return
    steps, deviation = _points(history[f"{name}_std"])
    mean = _points(history[name])[1]
    known = np.isfinite(mean) & np.isfinite(deviation)
    low, high = (mean - deviation)[known], (mean + deviation)[known]
    axes.fill_between(steps[known], low, high, color=RED, alpha=0.15, linewidth=0)


def optimum_gap(history: Mapping[str, Curve]) -> Figure:
    """How far the objective was from the best possible one after each epoch, on a logarithmic axis.

    Args:
        history: curves by name; drawn is "optimum/gap" as far as it is positive.
    """
    steps, values = _finite(*_points(history["optimum/gap"]))
    if not (values > 0).any():
        return message_figure("The objective is the best possible, to the last digit.")
    figure = new_figure(5.2, 3.6)
    axes = figure.subplots()
    axes.plot(steps[values > 0], values[values > 0], color=BLUE, linewidth=1.8, marker=_marker(steps), markersize=4)
    axes.set_yscale("log")
    style_plot(axes, "objective − best possible objective", "", "gap")
    _label_steps(axes, _steps_per_epoch(history))
    return figure


def _draw_losses(axes: Axes, losses: Mapping[str, Points]) -> None:
    finite = {key: _finite(*points) for key, points in losses.items()}
    for key, (steps, values) in finite.items():
        marker = None if key == "train/loss" else _marker(steps)
        axes.plot(*_thinned(steps, values), marker=marker, markersize=4, **LOSSES[key])

    drawn = np.concatenate([values for _, values in finite.values()])
    if drawn.size and drawn.min() > 0 and drawn.max() > 10**LOG_DECADES * drawn.min():
        axes.set_yscale("log")
    dropped = sum(len(values) for _, values in losses.values()) - drawn.size
    style_plot(axes, f"loss ({dropped} non-finite not drawn)" if dropped else "loss", "", "loss")
    if drawn.size:
        add_legend(axes)


def _points(curve: Curve) -> Points:
    return np.asarray(curve[0], dtype=np.float64), np.asarray(curve[1], dtype=np.float64)


def _finite(steps: NDArray[np.float64], values: NDArray[np.float64]) -> Points:
    keep = np.isfinite(values)
    return steps[keep], values[keep]


def _thinned(steps: NDArray[np.float64], values: NDArray[np.float64]) -> Points:
    """At most MAX_POINTS points; each stretch of steps keeps its lowest and highest value, so no spike is lost."""
    if len(values) <= MAX_POINTS:
        return steps, values
    stretches = np.array_split(np.arange(len(values)), MAX_POINTS // 2)
    kept = [stretch[[values[stretch].argmin(), values[stretch].argmax()]] for stretch in stretches]
    index = np.unique(np.concatenate(kept))
    return steps[index], values[index]


def _marker(steps: NDArray[np.float64]) -> str | None:
    return "o" if len(steps) <= MARKED_POINTS else None
