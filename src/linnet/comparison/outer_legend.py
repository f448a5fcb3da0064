"""Legend of settings beside the axes, since their names are too long to lie on the curves."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linnet.tracking.figures.style import add_legend, literal

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
