"""Numeric hyperparameters that were swept, and the axis they were swept on."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from linnet.comparison.groups import Group, is_number, show

if TYPE_CHECKING:  # what only reads the axis, as a page, needs no drawing library
    from matplotlib.axes import Axes


def numeric_keys(groups: Sequence[Group]) -> list[str]:
    """Return the settings whose values are all numbers, and at least two of them different."""
    chosen = []
    for key in groups[0].settings:
        values = [group.settings[key] for group in groups if group.settings[key] is not None]
        if all(is_number(value) for value in values) and len(set(values)) > 1:
            chosen.append(key)
    return chosen


def swept_by_ratio(values: Sequence[float]) -> bool:
    """Return whether values cover a decade or more and their ratios are more even than their differences.

    Zero, as the penalty that was left out, is not counted. 5, 10, 20, 50 were swept by ratio; 1, 2, …, 10 were not.
    """
    positive = sorted({value for value in values if value > 0})
    if len(positive) < 2 or min(values) < 0 or positive[-1] < 10 * positive[0] * (1 - 1e-9):
        return False
    ratios = np.diff(np.log(positive))
    steps = np.diff(positive)
    return bool(ratios.std() / ratios.mean() <= steps.std() / steps.mean() + 1e-9)


def scale_axis(axes: "Axes", values: Sequence[float]) -> None:
    """Make the x axis logarithmic if the values were swept by ratio, with the values as ticks if they are few.

    An axis that must show zero as well is linear from there to the smallest positive value.
    """
    distinct = sorted(set(values))
    if swept_by_ratio(values):
        if distinct[0] == 0:
            axes.set_xscale("symlog", linthresh=distinct[1], linscale=0.5)
        else:
            axes.set_xscale("log")
    if len(distinct) <= 8 and _apart(distinct):
        axes.set_xticks(distinct, [show(float(value)) for value in distinct])
        axes.set_xticks([], minor=True)


def _apart(distinct: Sequence[float]) -> bool:
    """Return whether tick labels at these values do not touch."""
    positions = np.log([value for value in distinct if value > 0]) if swept_by_ratio(distinct) else np.array(distinct)
    gaps = [second - first for first, second in pairwise(positions)]
    return len(gaps) == 0 or min(gaps) > 0.08 * (positions[-1] - positions[0])
