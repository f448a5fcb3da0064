"""A metric against each hyperparameter that was swept, as charts, and over two of them as a table of shades."""

import math
from collections.abc import Iterator, Sequence

from linnet.comparison.groups import Group, legend_label, show
from linnet.comparison.ranking import Objective
from linnet.comparison.report.blocks import Chart, Line, Table
from linnet.comparison.report.curves import COLOURED, is_wide
from linnet.comparison.sweep_axes import numeric_keys, swept_by_ratio
from linnet.system.sanitize import plain

MOST_KEYS, MOST_CELLS = 12, 400
"""Hyperparameters that have a chart, and cells of the table of two: a planted sweep may vary in any number."""


def sensitivity_charts(groups: Sequence[Group], objective: Objective) -> Iterator[Chart]:
    """Yield the objective over each number that varies, one line for each combination of the other settings.

    Bars are one standard deviation over seeds to either side, of a metric of resamples one standard error; values
    without a result are marked.

    Args:
        groups: best first.
        objective: the metric drawn.
    """
    for key in numeric_keys(groups)[:MOST_KEYS] if any(group.spread(objective.metric) for group in groups) else []:
        yield _chart(key, [group for group in groups if group.settings[key] is not None], objective)


def _chart(key: str, groups: Sequence[Group], objective: Objective) -> Chart:
    members: dict[str, list[Group]] = {}
    for group in groups:
        others = {other: value for other, value in group.settings.items() if other != key}
        members.setdefault(plain(legend_label(others)) or plain(objective.metric), []).append(group)
    scattered = len(groups) < 2 * len(members) and len(members) > 1  # as of a random search
    lines = []
    for number, (name, same) in enumerate(members.items()):
        found = [(group.settings[key], value) for group in same if (value := group.spread(objective.metric))]
        points = sorted(found, key=lambda point: (point[0], point[1].mean))
        error = [value.std or 0.0 for _, value in points]
        legend = "settings" if scattered else name if number < COLOURED else f"{len(members) - COLOURED} others"
        colour = 0 if scattered else number if number < COLOURED else None
        x, y = [point[0] for point in points], [point[1].mean for point in points]
        if points:
            lines.append(Line(name, x, y, error if any(error) else (), colour, legend, joined=not scattered))
    lines.sort(key=lambda line: line.colour is not None)
    values = sorted({group.settings[key] for group in groups})
    without = [group for group in groups if group.spread(objective.metric) is None]
    missing = [(group.settings[key], ", ".join(group.states)) for group in without]
    spreads = [value for group in groups if (value := group.spread(objective.metric))]
    bars = ""
    if any(value.is_error for value in spreads):
        bars = "Bars: ± standard error over resamples. "
    elif any(value.std for value in spreads):
        bars = "Bars: ± standard deviation over seeds. "
    crosses = f"Crosses: {len(missing)} settings without a result." if missing else ""
    metric, name = plain(objective.metric), plain(key)
    return Chart(
        f"{metric} against {name}", name, metric, lines, _summary(key, groups, objective),
        log_x=swept_by_ratio(values), log_y=is_wide([value.mean for value in spreads]),
        ticks=values if len(values) <= 12 else (), missing=missing, note=bars + crosses,
    )  # fmt: skip


def _summary(key: str, groups: Sequence[Group], objective: Objective) -> Table:
    rows = []
    for group in sorted(groups, key=lambda group: group.settings[key]):
        value = group.spread(objective.metric)
        others = {other: setting for other, setting in group.settings.items() if other != key}
        rows.append([show(group.settings[key]), plain(legend_label(others)), "–" if value is None else str(value)])
    return Table([plain(key), "other settings", plain(objective.metric)], rows, texts=(1,))


def heat_map(groups: Sequence[Group], objective: Objective) -> Table | None:
    """Return the mean of the objective for each pair of two numbers that vary, and nothing else; darker is better.

    Shades are even steps between the worst and the best mean, of their logarithms where these span a decade.
    """
    keys = numeric_keys(groups)
    if len(keys) != 2 or len(groups[0].settings) != 2:
        return None
    columns, rows = (
        sorted({group.settings[key] for group in groups if group.settings[key] is not None}) for key in keys
    )
    if len(columns) * len(rows) > MOST_CELLS:
        return None
    cells = {(group.settings[keys[1]], group.settings[keys[0]]): group for group in reversed(groups)}
    means = {place: value.mean for place, group in cells.items() if (value := group.spread(objective.metric))}
    if not means:
        return None
    shade = _Shades(list(means.values()), objective.minimize)
    texts, shades = [], []
    for row in rows:
        places = [(row, column) for column in columns]
        states = [", ".join(cells[place].states) if place in cells else "" for place in places]
        texts.append([show(row), *(f"{means[place]:.4g}" if place in means else state
                                   for place, state in zip(places, states, strict=True))])  # fmt: skip
        shades.append([shade(means[place]) if place in means else None for place in places])
    header = [f"{plain(keys[1])} ↓  {plain(keys[0])} →", *(show(column) for column in columns)]
    return Table(header, texts, f"{plain(objective.metric)}, darker is better", texts=(), shades=shades)


class _Shades:
    """Shade of a value: 0 for the worst, 9 for the best."""

    def __init__(self, values: Sequence[float], minimize: bool) -> None:
        self._log = min(values) > 0 and max(values) > 10 * min(values)
        ends = [self._place(min(values)), self._place(max(values))]
        self._worst, self._best = reversed(ends) if minimize else ends

    def _place(self, value: float) -> float:
        return math.log(value) if self._log else value

    def __call__(self, value: float) -> int:
        if self._worst == self._best:
            return 9
        share = (self._place(value) - self._worst) / (self._best - self._worst)
        return min(9, int(10 * share))
