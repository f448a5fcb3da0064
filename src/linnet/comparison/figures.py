"""Choose the figures of a comparison."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from linnet.comparison.groups import Group
from linnet.comparison.heat_map import heat_map
from linnet.comparison.overlaid_curves import overlaid_curves
from linnet.comparison.ranking import Objective
from linnet.comparison.sensitivity import metric_against
from linnet.comparison.sweep_axes import numeric_keys


def comparison_figures(groups: Sequence[Group], objective: Objective) -> Iterator[tuple[str, Figure]]:
    """Yield (file name without its ending, figure); none where nothing varies.

    The metric against each number that varies, a heat map where exactly two vary and nothing else, learning curves.

    Args:
        groups: best first.
        objective: what they are ordered by.
    """
    if len(groups) < 2:
        return
    has_result = any(group.spread(objective.metric) for group in groups)
    keys = numeric_keys(groups) if has_result else []
    for key in keys:
        yield f"{objective.metric.replace('/', '_')}_against_{key}", metric_against(key, groups, objective)
    if len(keys) == 2 and len(groups[0].settings) == 2:
        yield "heat_map", heat_map((keys[0], keys[1]), groups, objective)
    curves = overlaid_curves(groups)
    if curves is not None:
        yield "learning_curves", curves
