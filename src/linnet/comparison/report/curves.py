"""Curves of runs as charts."""

from collections.abc import Iterator, Mapping, Sequence

from linnet.comparison.curves import loss_curve
from linnet.comparison.groups import Group, legend_label
from linnet.comparison.report.blocks import Block, Chart, Charts, Line, Table, Text
from linnet.comparison.report.provenance import manifest_of
from linnet.comparison.report.thinning import thinned
from linnet.comparison.runs import SavedRun
from linnet.config.direction import known_direction
from linnet.system.sanitize import plain
from linnet.tracking.history import Curve
from linnet.tracking.manifest_file import is_unchanged

COLOURED = 8
"""Settings that have a colour of their own in a chart of many runs; others are grey."""
MOST_CHARTS, MOST_RUNS = 12, 128
"""Metrics and runs that are drawn: a history.csv may name any number, and a page is to stay small."""
ALL_POINTS = 24_000
"""Points of all curves of a chart of many runs."""
DECADES = 100
"""Ratio of positive values beyond which an axis is logarithmic."""
COLOURS = {"train": 0, "val": 1, "cv": 2, "test": 3, "optimum": 4}
FIRST = ("loss", "accuracy", "r2", "gap")
SPREAD = "_std"


def run_charts(curves: Mapping[str, Curve]) -> Iterator[Charts]:
    """Yield a chart per metric that a run logged at two steps or more: that of training, validation and resamples.

    Loss, score and distance from the optimum come first, others are folded away.
    """
    names = {name: curve for name, curve in curves.items() if len(curve.step) > 1 and not name.endswith("_log10")}
    metrics = dict.fromkeys(_metric(name) for name in names if not _is_spread(name, names))
    first = [metric for metric in FIRST if metric in metrics]
    others = [metric for metric in metrics if metric not in FIRST]
    for title, chosen in (("", first), ("other metrics", others[:MOST_CHARTS])):
        found = (_chart(metric, {name: names[name] for name in names if _metric(name) == metric}) for metric in chosen)
        charts = [chart for chart in found if chart is not None]
        if charts:
            yield Charts(charts, title)


def _metric(name: str) -> str:
    return name.partition("/")[2].removesuffix("_epoch")


def _is_spread(name: str, names: Mapping[str, Curve]) -> bool:
    return name.endswith(SPREAD) and name.removesuffix(SPREAD) in names


def _chart(metric: str, chosen: Mapping[str, Curve]) -> Chart | None:
    lines, rows, all_drawn, all_logged = [], [], 0, 0
    for name, curve in chosen.items():
        steps, values, logged = thinned(curve.step, curve.value)
        if len(steps) < 2:
            continue
        all_drawn, all_logged = all_drawn + len(steps), all_logged + logged
        faint = f"{name}_epoch" in chosen
        colour = COLOURS.get(name.partition("/")[0], 5)
        shown = f"{plain(name)} of each minibatch" if faint else plain(name)
        lines.append(Line(shown, steps, values, (), colour, faint=faint))
        rows.append(summary_row(shown, name, curve))
    if not lines:
        return None
    wide = is_wide([value for line in lines for value in line.y])
    note = thinning_note(all_drawn, all_logged)
    return Chart(plain(metric), "step", plain(metric), lines, summary_table(rows), log_y=wide, note=note)


def group_curves(groups: Sequence[Group]) -> Iterator[Block]:
    """Yield the loss of every run over its steps, one colour for each of the best settings, if any run logged it.

    Curves that were changed since their run ended are left out, and counted.
    """
    all_runs = [(number, group, run) for number, group in enumerate(groups) for run in group.runs]
    first = all_runs[:MOST_RUNS]
    runs = [entry for entry in first if not _was_changed(entry[2])]
    if len(runs) < len(first):
        what = f"{len(first) - len(runs)} of {len(first)} runs"
        yield Text(f"Without the curves of {what}: their history.csv was changed since, or is missing.", "bad")
    lines, rows, names, logged_all = [], [], [], 0
    completed: list[float] = []
    others = len(groups) - COLOURED
    found = [(number, group, run, *loss_curve(run)) for number, group, run in runs]
    most = max(40, ALL_POINTS // max(1, sum(1 for entry in found if entry[4])))
    for number, group, run, name, steps, values in found:
        x, y, logged = thinned(steps, values, most)
        if not x:
            continue
        logged_all += logged
        names.append(name)
        setting = plain(legend_label(group.settings) or group.name)
        ended = "" if run.state == "completed" else f" ({run.state})"
        legend = setting if number < COLOURED else f"{others} other setting{'s' * (others != 1)}"
        seed = f", seed {plain(run.seed)}" if len(group.runs) > 1 else ""
        lines.append(Line(f"{setting}{seed}{ended}", x, y, (), number if number < COLOURED else None, legend))
        rows.append(summary_row(f"{setting}{seed}{ended}", name, Curve(steps, values)))
        completed += y if run.state == "completed" else []
    if not any(len(line.x) > 1 for line in lines):
        return
    title = " or ".join(dict.fromkeys(map(plain, names)))
    left = f"The first {MOST_RUNS} of {len(all_runs)} runs. " if len(all_runs) > MOST_RUNS else ""
    drawn = sum(len(line.x) for line in lines)
    wide = is_wide(completed or [value for line in lines for value in line.y])
    lines.sort(key=lambda line: line.colour is not None)  # grey ones lie below
    yield Chart(
        f"{title} of every run", "step", title, lines, summary_table(rows), log_y=wide, shown=_ends(completed),
        note=left + thinning_note(drawn, logged_all),
    )  # fmt: skip


def _was_changed(run: SavedRun) -> bool:
    """Return whether a completed run's curves are not those that it wrote."""
    return run.state == "completed" and not is_unchanged(run.path, "history.csv", manifest_of(run.path))


def _ends(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the values that an axis must hold, where those of runs that diverged may leave it."""
    return (min(values), max(values)) if values else None


def summary_row(shown: str, name: str, curve: Curve) -> list[str]:
    """Return a curve's name, its number of points, its first, best and last value, from all that was logged."""
    finite = [value for value in curve.value if value == value and abs(value) != float("inf")]
    better = max if known_direction(name) == "maximize" else min
    best = f"{better(finite):.4g}" if finite and known_direction(name) else "–"
    return [shown, str(len(curve.value)), *(f"{curve.value[end]:.4g}" for end in (0, -1)), best]


def summary_table(rows: Sequence[Sequence[str]]) -> Table:
    return Table(["curve", "points", "first", "last", "best"], rows)


def thinning_note(drawn: int, logged: int) -> str:
    """Return how many of the logged points are drawn, if not all."""
    if drawn >= logged:
        return ""
    return f"{drawn:,} of {logged:,} points are drawn: of each stretch the smallest and the largest."


def is_wide(values: Sequence[float]) -> bool:
    """Return whether all values are positive and spread over two decades or more."""
    return bool(values) and min(values) > 0 and max(values) > DECADES * min(values)
