"""Figures of regression: predictions against targets, and residuals."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from linnet.tracking.figures.style import (
    BLUE,
    GREY,
    INK,
    MAX_POINTS,
    RED,
    add_legend,
    message_figure,
    new_figure,
    style_plot,
)

NOTHING_FINITE = "No finite prediction to draw: the model diverged or there are no examples."


def prediction_against_target(prediction: ArrayLike, target: ArrayLike) -> Figure:
    """Scatter of prediction over target with the identity line, on which a perfect model would lie.

    Args:
        prediction: `[N]` or `[N, C]`; outputs are drawn together. Tensor or array.
        target: same shape as `prediction`.

    Returns:
        One square panel with at most 5000 points, evenly spaced in the order given; non-finite pairs are left out.

    Raises:
        ValueError: the shapes differ.
    """
    predicted, true = _finite_pairs(prediction, target)
    if not predicted.size:
        return message_figure(NOTHING_FINITE)

    figure = new_figure(5, 5)
    axes = figure.subplots()
    shown = _evenly_spaced(predicted.size)
    axes.scatter(true[shown], predicted[shown], s=10, color=BLUE, alpha=_opacity(shown.size), linewidths=0)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, color=INK, linewidth=1, linestyle="--", label="prediction = target")
    axes.set_aspect("equal", adjustable="datalim")
    style_plot(axes, "prediction against target", "target", "prediction")
    add_legend(axes, loc="upper left")
    return figure


def residuals(prediction: ArrayLike, target: ArrayLike) -> Figure:
    """Residual (target − prediction) over prediction, and its histogram with the normal of equal mean and deviation.

    For a linear model with Gaussian noise the left panel is a level band and the right one follows the normal curve.

    Args:
        prediction: `[N]` or `[N, C]`; outputs are drawn together. Tensor or array.
        target: same shape as `prediction`.

    Returns:
        Two panels; the scatter shows at most 5000 points, the histogram counts all finite pairs.

    Raises:
        ValueError: the shapes differ.
    """
    predicted, true = _finite_pairs(prediction, target)
    if not predicted.size:
        return message_figure(NOTHING_FINITE)
    residual = true - predicted
    mean, deviation = residual.mean(), residual.std()

    figure = new_figure(6.4, 4)
    scatter, histogram = figure.subplots(1, 2, width_ratios=[3, 2], sharey=True)
    shown = _evenly_spaced(predicted.size)
    scatter.scatter(predicted[shown], residual[shown], s=10, color=BLUE, alpha=_opacity(shown.size), linewidths=0)
    scatter.axhline(0, color=INK, linewidth=1, linestyle="--")
    style_plot(scatter, "residual against prediction", "prediction", "target − prediction")

    # Residuals that differ only in their last digits leave no room for bin edges between them.
    spread = deviation > 1e-12 * max(1.0, float(np.abs(residual).max()))
    bins = int(np.clip(np.sqrt(residual.size), 10, 60)) if spread else 1
    histogram.hist(
        residual, bins=bins, density=True, orientation="horizontal", color=GREY, alpha=0.5, label="residuals"
    )
    if spread:
        grid = np.linspace(residual.min(), residual.max(), 200)
        normal = np.exp(-0.5 * ((grid - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
        histogram.plot(normal, grid, color=RED, linewidth=1.8, label="fitted normal")
    low, high = histogram.get_ylim()
    histogram.set_ylim(low, high + 0.25 * (high - low))  # for the legend above the highest bar
    style_plot(histogram, f"mean {mean:.3g},\ndeviation {deviation:.3g}", "density", "")
    add_legend(histogram, loc="upper right")
    return figure


def _finite_pairs(prediction: ArrayLike, target: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    predicted, true = np.asarray(prediction, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if predicted.shape != true.shape:
        raise ValueError(
            f"prediction and target must have the same shape, got {list(predicted.shape)} and {list(true.shape)}"
        )
    keep = np.isfinite(predicted) & np.isfinite(true)
    return predicted[keep], true[keep]


def _evenly_spaced(size: int) -> NDArray[np.intp]:
    return np.linspace(0, size - 1, min(size, MAX_POINTS)).astype(np.intp)


def _opacity(points: int) -> float:
    return float(np.clip(200 / points, 0.15, 0.8))
