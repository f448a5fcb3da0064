"""Exact line search along a direction in which a convex objective is piecewise quadratic."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linnet.solvers.extended_precision import Array


class Pieces(NamedTuple):
    """Changes of the slope along a direction, at distances t ≥ 0 in units of its length.

    first, last: where an example enters the parabola of its loss and leaves it, `[N]`.
    curvature: of the example's loss in between, `[N]`.
    kinks, jumps: where a weight changes its sign, and by how much the slope rises there, `[P]`.
    bend: curvature of the penalty.
    """

    first: Array
    last: Array
    curvature: Array
    kinks: Array
    jumps: Array
    bend: float

    def rise(self, t: float, *, after: bool = True) -> float:
        """Return the slope at t, after or before a kink, minus that at 0; terms of one sign, so no cancellation."""
        length = np.clip(t - self.first, 0, np.maximum(self.last - self.first, 0))
        passed = self.kinks <= t if after else self.kinks < t
        return float(self.curvature @ length) + self.bend * t + float(self.jumps[passed].sum())


def lowest_point(descent: float, pieces: Pieces) -> tuple[float, NDArray[np.int64]]:
    """Find the point where the slope −descent + rise changes its sign, and the weights that are 0 there.

    Args:
        descent: minus the slope at 0. A step that meets no change before 1 has its lowest point at 1.
    """
    none = np.zeros(0, dtype=np.int64)
    ends = np.concatenate([pieces.first, pieces.last, pieces.kinks])
    ends = np.unique(ends[(ends > 0) & np.isfinite(ends)])
    if not (pieces.kinks <= 0).any() and (len(ends) == 0 or ends[0] > 1):
        return 1.0, none
    if not descent > pieces.rise(0.0):
        return 0.0, none
    low, high = 0, len(ends)  # the first end at which the slope is not negative
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if pieces.rise(ends[middle]) >= descent else (middle + 1, high)
    if low < len(ends) and pieces.rise(ends[low], after=False) < descent:
        return float(ends[low]), np.flatnonzero(pieces.kinks == ends[low])
    before = float(ends[low - 1]) if low else 0.0
    beyond = float(ends[low]) if low < len(ends) else 2 * max(before, 1.0)
    left = descent - pieces.rise(before)
    slope = (pieces.rise(beyond, after=False) - pieces.rise(before)) / (beyond - before)
    return before + left / slope if slope > 0 else beyond, none
