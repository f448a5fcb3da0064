"""Picture of an experiment's recorded metrics, as SVG: one row per arm, one panel per metric, one dot per seed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from linnet.reproduction.results import Arm, Results
from linnet.system.sanitize import plain

NAME = "picture.svg"
PANEL, ROW, TOP, BOTTOM, GAP, LETTER = 190, 20, 24, 22, 26, 6.1
LOG_RATIO = 30
"""Positive values that differ by more than this factor are drawn on a logarithmic axis."""
STYLE = (
    "text{font:11px sans-serif;fill:#24292f}line{stroke:#8c959f}circle{fill:#0072b2;fill-opacity:.6}"
    "path{stroke:#d55e00;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}circle{fill:#56b4e9}path{stroke:#e69f00}}"
)
"""Colours of Okabe and Ito, which colour-blind readers distinguish."""


def draw(results: Results, metrics: Sequence[str]) -> str:
    """Return an SVG document; the mean of each arm is a bar among the dots of its seeds.

    Args:
        results: of the experiment; texts in it are untrusted.
        metrics: those to show, from left to right. Arms that have none of them are left out.
    """
    arms = [arm for arm in results.arms if any(_values(arm, metric) for metric in metrics)]
    left = 12 + LETTER * max((len(_label(arm)) for arm in arms), default=0)
    width, height = left + len(metrics) * (PANEL + GAP), TOP + ROW * len(arms) + BOTTOM
    parts = [
        f'<text x="{left - 8:.0f}" y="{_middle(row) + 4:.0f}" text-anchor="end">{escape(_label(arm))}</text>'
        for row, arm in enumerate(arms)
    ]
    for number, metric in enumerate(metrics):
        parts += _panel(arms, metric, left + number * (PANEL + GAP), height - BOTTOM)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'height="{height}">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def pictured(about: Any) -> list[str]:
    """Return the metrics below `about.picture` of an experiment's YAML; none if there is no list of texts."""
    metrics = about.get("picture") if isinstance(about, Mapping) else None
    return [metric for metric in metrics if isinstance(metric, str)] if isinstance(metrics, list) else []


def _panel(arms: Sequence[Arm], metric: str, left: float, bottom: float) -> Iterator[str]:
    found = [value for arm in arms for value in _values(arm, metric)]
    low, high = min(found, default=0.0), max(found, default=1.0)
    log = low > 0 and high / low > LOG_RATIO
    start, end = (math.log10(low), math.log10(high)) if log else (low, high)
    margin = 0.06 * (end - start) or abs(end) / 2 or 1.0
    start, end = start - margin, end + margin

    def across(value: float) -> float:
        return left + PANEL * ((math.log10(value) if log else value) - start) / (end - start)

    yield f'<text x="{left + PANEL / 2:.0f}" y="14" text-anchor="middle">{escape(plain(metric))}</text>'
    yield f'<line x1="{left:.0f}" y1="{bottom:.0f}" x2="{left + PANEL:.0f}" y2="{bottom:.0f}"/>'
    for tick in _ticks(start, end, log):
        x = across(tick)
        yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom:.0f}" stroke-opacity=".25"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 15:.0f}" text-anchor="middle">{tick:.4g}</text>'
    for row, arm in enumerate(arms):
        values, y = _values(arm, metric), _middle(row)
        yield from (f'<circle cx="{across(value):.1f}" cy="{y:.0f}" r="3.5"/>' for value in values)
        if values:
            yield f'<path d="M{across(sum(values) / len(values)):.1f} {y - 7:.0f}v14"/>'


def _ticks(start: float, end: float, log: bool) -> Iterator[float]:
    """Yield two to six round numbers between `start` and `end`, which are logarithms of base 10 if `log`."""
    rough = (end - start) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    step = max(1.0, math.ceil(step)) if log else step
    for count in range(math.ceil(start / step), math.floor(end / step) + 1):
        yield 10.0 ** (count * step) if log else count * step


def _values(arm: Arm, metric: str) -> list[float]:
    figure = arm.metrics.get(metric)
    return [] if figure is None else [value for value in figure.values if value is not None]


def _label(arm: Arm) -> str:
    return plain(arm.name)


def _middle(row: int) -> float:
    return TOP + ROW * (row + 0.5)
