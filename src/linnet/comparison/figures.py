"""Choose the figures of a comparison, and draw the heat map of a metric over two hyperparameters."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from linnet.comparison.groups import Group, show
from linnet.comparison.overlaid_curves import overlaid_curves
from linnet.comparison.ranking import Objective
from linnet.comparison.sensitivity import metric_against
from linnet.comparison.sweep_axes import numeric_keys
from linnet.tracking.figures.style import INK, RED, SEQUENTIAL, SMALL, new_figure, style_colorbar, style_matrix


def comparison_figures(
    groups: Sequence[Group], objective: Objective, chosen: Group | None = None
) -> Iterator[tuple[str, Figure]]:
    """Yield (file name without its ending, figure); none where nothing varies.

    The metric against each number that varies, a heat map where exactly two vary and nothing else, learning curves.

    Args:
        groups: best first.
        objective: what they are ordered by.
        chosen: None: the best.
    """
    if len(groups) < 2:
        return
    has_result = any(group.spread(objective.metric) for group in groups)
    keys = numeric_keys(groups) if has_result else []
    for key in keys:
        yield f"{objective.metric.replace('/', '_')}_against_{key}", metric_against(key, groups, objective)
    if len(keys) == 2 and len(groups[0].settings) == 2:
        yield "heat_map", heat_map((keys[0], keys[1]), groups, objective, chosen)
    curves = overlaid_curves(groups)
    if curves is not None:
        yield "learning_curves", curves


MAX_ANNOTATED = 12  # rows or columns, beyond which numbers no longer fit into the cells


def heat_map(
    keys: tuple[str, str], groups: Sequence[Group], objective: Objective, chosen: Group | None = None
) -> Figure:
    """Draw the mean of the objective in each cell of a grid; darker is better, the chosen cell is framed.

    Args:
        keys: of the columns and of the rows.
        groups: best first, which differ in these two settings only.
        objective: the metric drawn. The scale is logarithmic where positive values span more than a decade.
        chosen: None: the best.
    """
    columns, rows = (
        sorted({group.settings[key] for group in groups if group.settings[key] is not None}) for key in keys
    )
    cells = {(group.settings[keys[1]], group.settings[keys[0]]): group for group in reversed(groups)}
    means = np.full((len(rows), len(columns)), np.nan)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            value = cells[row, column].spread(objective.metric) if (row, column) in cells else None
            means[i, j] = np.nan if value is None else value.mean

    figure = new_figure(max(5.0, 0.75 * len(columns) + 2.4), max(3.0, 0.5 * len(rows) + 1.4))
    axes = figure.subplots()
    finite = means[np.isfinite(means)]
    wide = finite.size > 0 and finite.min() > 0 and finite.max() > 10 * finite.min()
    norm = (LogNorm if wide else Normalize)(*((finite.min(), finite.max()) if finite.size else (0, 1)))
    picture = axes.imshow(
        means, cmap=SEQUENTIAL + ("_r" if objective.minimize else ""), norm=norm, aspect="auto", origin="lower"
    )
    axes.set_facecolor("#e6e8eb")
    style_matrix(axes, f"{objective.metric}, darker is better", *keys)
    axes.set_xticks(range(len(columns)), [show(float(value)) for value in columns])
    axes.set_yticks(range(len(rows)), [show(float(value)) for value in rows])
    if max(means.shape) <= MAX_ANNOTATED:
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                missing = ", ".join(cells[row, column].states) if (row, column) in cells else ""
                text = f"{means[i, j]:.4g}" if np.isfinite(means[i, j]) else missing
                shade = float(norm(means[i, j])) if np.isfinite(means[i, j]) else 0.0
                dark = (1 - shade if objective.minimize else shade) > 0.6 and np.isfinite(means[i, j])
                axes.text(j, i, text, ha="center", va="center", fontsize=SMALL, color="white" if dark else INK)
    best = chosen or groups[0]
    if best.spread(objective.metric) and all(best.settings[key] is not None for key in keys):
        corner = (columns.index(best.settings[keys[0]]) - 0.5, rows.index(best.settings[keys[1]]) - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=RED, linewidth=2, clip_on=False))
    style_colorbar(figure.colorbar(picture, ax=axes, pad=0.02), objective.metric)
    return figure
