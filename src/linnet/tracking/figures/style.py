"""Common style of all figures, applied to each figure's own axes: no pyplot, no global matplotlib state.

Sizes are for 100 dots per inch, as TensorBoard shows them.
"""

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

BLUE = "#0072b2"
RED = "#d55e00"
"""Vermillion: it and the blue differ to every eye."""
PALETTE = (BLUE, RED, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours that colour-blind readers distinguish (Okabe and Ito, 2008), without their yellow."""
GREY = "#8a8f98"
INK = "#2b2f36"
SEQUENTIAL = "Blues"
DIVERGING = "RdBu_r"

SMALL = 9  # ticks, legends, annotations
MEDIUM = 10  # axis labels
LARGE = 12  # titles

LONGEST = 60  # characters of a line above a figure
MAX_POINTS = 5000  # more only blacken a scatter plot and swell the event file


def new_figure(width: float, height: float, *, laid_out: bool = True) -> Figure:
    """Create an empty figure of `width` by `height` inches with its own Agg canvas.

    laid_out: avoid overlaps when drawing, which takes as long as drawing itself; False: the caller does that.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08) if laid_out else None  # inches around every panel
    figure = Figure(figsize=(width, height), dpi=100, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def literal(text: str) -> str:
    """Return text that matplotlib draws as it stands: between two dollar signs it would read a formula."""
    return text.replace("$", r"\$")


def style_plot(axes: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Give a plot its title, labels, a faint grid and two spines."""
    _label(axes, title, xlabel, ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(True, color=GREY, alpha=0.2, linewidth=0.8)
    axes.set_axisbelow(True)


def style_matrix(axes: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Give a matrix its title and labels; its cells are the grid."""
    _label(axes, title, xlabel, ylabel)
    axes.spines[:].set_visible(False)
    axes.grid(False)


def style_colorbar(bar: Colorbar, label: str) -> None:
    """Give a colour bar its label and the ticks of the other axes."""
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=SMALL, color=GREY, labelcolor=INK)
    bar.set_label(label, fontsize=SMALL, color=INK)


def add_legend(axes: Axes, **options: Any) -> None:
    """Add a frameless legend; `options` as for `Axes.legend`."""
    axes.legend(fontsize=SMALL, frameon=False, labelcolor=INK, **options)


def name_figure(figure: Figure, name: str) -> None:
    """Write above a figure what it is of: run and split; behind its own title where it has one."""
    own = figure.get_suptitle()
    lines = "\n".join(textwrap.wrap(name, LONGEST, break_on_hyphens=False))
    place = {"y": 1 - 0.06 / figure.get_figheight()} if figure.get_layout_engine() is None else {}
    figure.suptitle(f"{own}\n{lines}" if own else lines, fontsize=MEDIUM if own else SMALL, color=INK, **place)


def message_figure(text: str) -> Figure:
    """Create a figure with a message on why there is nothing to draw."""
    figure = new_figure(6, 2)
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=LARGE, color=INK, wrap=True)
    return figure


def _label(axes: Axes, title: str, xlabel: str, ylabel: str) -> None:
    axes.set_title(title, fontsize=LARGE, color=INK, loc="left")
    axes.set_xlabel(xlabel, fontsize=MEDIUM, color=INK)
    axes.set_ylabel(ylabel, fontsize=MEDIUM, color=INK)
    axes.tick_params(labelsize=SMALL, color=GREY, labelcolor=INK)
