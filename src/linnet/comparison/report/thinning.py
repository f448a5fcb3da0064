"""Fewer points of a curve that still show its shape."""

import math
from collections.abc import Sequence
from itertools import chain

MOST_POINTS = 600
"""Of a curve that is drawn; a screen is seldom wider."""


def thinned(
    steps: Sequence[float], values: Sequence[float], most: int = MOST_POINTS
) -> tuple[list[float], list[float], int]:
    """Return the finite points in the order of their steps, at most about `most`, and how many there were.

    Of a longer curve the first and the last point are kept, and the smallest and the largest value of each of most/2
    sections of equally many points: no peak is lost, and every point that is drawn was logged.

    Args:
        steps, values: of the points.
        most: at least 4.
    """
    points = sorted((step, value) for step, value in zip(steps, values, strict=True) if math.isfinite(value))
    if len(points) > most:
        inner = points[1:-1]
        size = math.ceil(2 * len(inner) / (most - 2))
        sections = (inner[start : start + size] for start in range(0, len(inner), size))
        kept = (sorted({min(one, key=_value), max(one, key=_value)}) for one in sections)
        return *_columns([points[0], *chain.from_iterable(kept), points[-1]]), len(points)
    return *_columns(points), len(points)


def _value(point: tuple[float, float]) -> float:
    return point[1]


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [step for step, _ in points], [value for _, value in points]
