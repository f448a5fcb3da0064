"""Metrics of each fold, or other resample, of a run."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from linnet.tracking.figures.style import BLUE, RED, message_figure, new_figure, style_plot

SHOWN = {"loss": "loss", "accuracy": "accuracy", "r2": "R²"}
MARKED = 40
"""Resamples up to which each has a tick and a stem."""


def folds(metrics: Sequence[Mapping[str, float]], times_held_out: float = 1.0) -> Figure:
    """Draw loss, and accuracy or R², of each resample on the examples that it leaves out, with their mean ± its error.

    Args:
        metrics: of each resample, by name; empty for one that diverged. Values that are not finite are left out.
        times_held_out: how often an example is held out on average, see `linnet.models.cross_validation`.
    """
    names = [name for name in SHOWN if any(np.isfinite(found.get(name, np.nan)) for found in metrics)]
    if not names:
        return message_figure("No finite metric of a fold to draw.")
    figure = new_figure(4.8 * len(names), 4)
    panels = figure.subplots(1, len(names), squeeze=False, sharex=True)[0]
    for axes, name in zip(panels, names, strict=True):
        values = np.array([found.get(name, np.nan) for found in metrics])
        index = np.flatnonzero(np.isfinite(values))
        mean = values[index].mean()
        error = values[index].std(ddof=1) * np.sqrt(times_held_out / len(index)) if len(index) > 1 else 0.0
        axes.axhspan(mean - error, mean + error, color=RED, alpha=0.15, linewidth=0)
        axes.axhline(mean, color=RED, linewidth=1.5)
        if len(values) <= MARKED:
            axes.vlines(index, mean, values[index], color=BLUE, linewidth=1.2)
        axes.plot(index, values[index], "o", color=BLUE, markersize=5 if len(values) <= MARKED else 2)
        axes.locator_params(axis="x", integer=True)
        style_plot(axes, f"{SHOWN[name]} {mean:.3g} ± {error:.2g}", "fold", SHOWN[name])
    return figure
