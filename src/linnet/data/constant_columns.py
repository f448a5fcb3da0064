"""Decide whether a column is constant up to rounding."""

import numpy as np

CONSTANT_ULPS = 4
"""A column whose range is at most so many units in the last place of its largest magnitude is constant."""


def is_constant(low: float, high: float) -> bool:
    """Return whether the range from low to high is that of rounding."""
    return high - low <= CONSTANT_ULPS * float(np.spacing(max(abs(low), abs(high))))
