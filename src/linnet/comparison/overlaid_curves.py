"""Learning curves of many runs in one figure."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from linnet.comparison.curves import loss_curve
from linnet.comparison.groups import Group, legend_label
from linnet.comparison.sensitivity import MAX_LINES, outer_legend, scale_metric
from linnet.tracking.figures.style import PALETTE, new_figure, style_plot


def overlaid_curves(groups: Sequence[Group]) -> Figure | None:
    """Draw the loss of every run of the best groups over its steps, one colour per group and one line per seed.

    Validation loss if a run has it, else that of training. None if no run logged any.

    Args:
        groups: best first. Diverged runs have curves, too, as far as these stay in the range of the others.
    """
    figure = new_figure(8.4, 4.2)
    axes = figure.subplots()
    drawn: dict[bool, list[float]] = {True: [], False: []}  # of completed runs, and of others
    names: dict[str, None] = {}
    for group, colour in zip(groups, PALETTE, strict=False):
        ended = "" if group.completed else f" ({', '.join(group.states)})"
        label: str | None = legend_label(group.settings) + ended
        for run in group.runs:
            name, steps, values = loss_curve(run)
            if not steps:
                continue
            marker = "o" if len(steps) <= 20 else None
            axes.plot(steps, values, color=colour, linewidth=1.2, alpha=0.85, marker=marker, markersize=3, label=label)
            label = None  # one entry of the legend a group
            names[name] = None
            drawn[run.state == "completed"] += values
    if not names:
        return None
    # A run that diverged leaves the picture, instead of pressing all others flat.
    shown = drawn[True] or drawn[False]
    scale_metric(axes, shown)
    if axes.get_yscale() == "log":
        axes.set_ylim(min(shown) / 1.5, max(shown) * 1.5)
    else:
        margin = 0.05 * (max(shown) - min(shown)) or 0.05
        axes.set_ylim(min(shown) - margin, max(shown) + margin)
    best = f", best {MAX_LINES} of {len(groups)} settings" if len(groups) > MAX_LINES else ""
    title = " or ".join(names)
    style_plot(axes, f"{title} of every run{best}", "step", title)
    outer_legend(figure, axes)
    return figure
