"""Line charts as inline SVG, which holds numbers only: what names lines is for the HTML beside it.

Lines and ticks take the colour of the text around them or a medium one, so that they show on light and dark pages.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

WIDTH, HEIGHT = 460, 230
LEFT, RIGHT, TOP, BOTTOM, MARGIN = 52, 8, 4, 30, 6
COLOURS = (
    "#4c8eda", "#e08a3c", "#3aa76d", "#d9534f", "#9673c9", "#a8785f", "#d678b0", "#8a8f98", "#a9a22f", "#2fa8b8",
)  # fmt: skip
MOST_POINTS = 300
"""Of a line; of longer ones the smallest and the largest value of each section are drawn."""
LOG_RATIO, MOST_DECADES = 100, 12
"""Values of which none is negative are drawn on a logarithmic axis if positive ones differ by more than this factor; it
has at most so many decades, and smaller values, as 0, lie below it."""


@dataclass(frozen=True)
class Line:
    """One curve.

    steps, values: of its points; those that are not finite are left out.
    colour: index into `COLOURS`.
    faint: drawn thin and light, as the loss of single minibatches.
    """

    steps: Sequence[int]
    values: Sequence[float]
    colour: int = 0
    faint: bool = False


def chart(lines: Sequence[Line], shown: Sequence[float] | None = None) -> str:
    """Draw lines over their steps; an empty string if there is no point.

    Args:
        lines: the curves.
        shown: values that the vertical axis must hold, where lines may leave the picture; None: all of the lines.
    """
    curves = [(line, _points(line)) for line in lines]
    points = [point for _, found in curves for point in found]
    if not points:
        return ""
    values = [value for value in shown or () if math.isfinite(value)] or [value for _, value in points]
    low, high = min(values), max(values)
    least = max(min((value for value in values if value > 0), default=0.0), high / 10**MOST_DECADES)
    log = low >= 0 and least > 0 and high / LOG_RATIO > least
    low = least if log else low
    across = _Axis(min(step for step, _ in points), max(step for step, _ in points), LEFT, WIDTH - RIGHT - MARGIN)
    ends = (math.log10(low), math.log10(high)) if log else (low, high)
    down = _Axis(*ends, HEIGHT - BOTTOM - MARGIN, TOP + MARGIN)

    def height(value: float) -> float:
        if log:
            value = math.log10(value) if value > 0 else -math.inf
        return min(max(down.place(value), TOP - HEIGHT), 2 * HEIGHT)

    marks = [*_down(down, log), *_across(across)]
    drawn = []
    for line, found in curves:
        way = " ".join(f"{across.place(step):.1f},{height(value):.1f}" for step, value in found)
        if len(found) == 1:
            x, y = way.split(",")
            drawn.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{_colour(line)}"/>')
        elif found:
            look = 'stroke-width="1" stroke-opacity="0.35"' if line.faint else 'stroke-width="1.8"'
            drawn.append(f'<polyline points="{way}" fill="none" stroke="{_colour(line)}" {look}/>')
    # Cut by an inner picture, since the id of a clip path may be another chart's too.
    width, height_shown = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    inner = f'<svg x="{LEFT}" y="{TOP}" width="{width}" height="{height_shown}" '
    inner += f'viewBox="{LEFT} {TOP} {width} {height_shown}">'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" style="width:100%;height:auto;font:11px sans-serif">'
        f"{''.join(marks)}{inner}{''.join(drawn)}</svg></svg>"
    )


def _colour(line: Line) -> str:
    return COLOURS[line.colour % len(COLOURS)]


def _points(line: Line) -> list[tuple[float, float]]:
    """Return the finite points, in the order of their steps and at most about `MOST_POINTS`."""
    found = sorted(
        (float(step), value) for step, value in zip(line.steps, line.values, strict=True) if math.isfinite(value)
    )
    if len(found) <= MOST_POINTS:
        return found
    size = math.ceil(2 * len(found) / MOST_POINTS)
    sections = (found[start : start + size] for start in range(0, len(found), size))
    extremes = ({min(section, key=_value), max(section, key=_value)} for section in sections)
    return list(chain.from_iterable(map(sorted, extremes)))


def _value(point: tuple[float, float]) -> float:
    return point[1]


class _Axis:
    """Places of numbers between `low` and `high` along an axis from `start` to `end`; equal ends are moved apart."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        margin = (abs(low) or 1.0) / 2 if low == high else 0.0
        self.low, self.high, self.start, self.end = low - margin, high + margin, start, end

    def place(self, number: float) -> float:
        # In halves, since the difference of the largest numbers is beyond them.
        share = (number / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Iterator[float]:
        """Yield round numbers within the axis, three to seven."""
        rough = self.high / 6 - self.low / 6
        if not math.isfinite(rough) or rough <= 0 or rough < 1e-300:
            return
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        for count in range(first, first + 9):
            if count * step <= self.high + 1e-9 * step:
                yield count * step


def _across(axis: _Axis) -> Iterator[str]:
    y = HEIGHT - BOTTOM
    for tick in axis.ticks():
        if tick == int(tick):
            x = axis.place(tick)
            yield _rule(x, y, x, y + 4, 0.5) + _text(x, y + 14, f"{tick:.15g}", "middle")
    yield _text(WIDTH - RIGHT, HEIGHT - 3, "step", "end")


def _down(axis: _Axis, log: bool) -> Iterator[str]:
    whole = [tick for tick in axis.ticks() if not log or tick == int(tick)]
    for tick in whole if len(whole) > 1 else axis.ticks():
        y = axis.place(tick)
        shown = f"{10**tick:.2g}" if log else f"{tick:.6g}" if abs(tick) > 1e-12 * axis.high else "0"
        yield _rule(LEFT, y, WIDTH - RIGHT, y, 0.15) + _text(LEFT - 6, y + 3.5, shown, "end")
    yield _rule(LEFT, TOP, LEFT, HEIGHT - BOTTOM, 0.5) + _rule(
        LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, 0.5
    )


def _rule(x1: float, y1: float, x2: float, y2: float, opacity: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
        f'stroke-opacity="{opacity}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{text}</text>'
