"""The sections of one run: what it is, what came out, its curves, folds and figures, and where it comes from."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from linnet.comparison.report.asked import differences, differences_table
from linnet.comparison.report.blocks import Block, Chart, Charts, Line, Section, Table, Text
from linnet.comparison.report.commands import run_commands
from linnet.comparison.report.curves import run_charts
from linnet.comparison.report.pictures import ALL, pictures
from linnet.comparison.report.provenance import manifest_of, origin
from linnet.comparison.runs import SavedRun
from linnet.config.metric_names import CV, FOLD, STANDARD_ERROR
from linnet.system.errors import InputError
from linnet.system.sanitize import plain
from linnet.tracking.history import read_history
from linnet.tracking.manifest_file import check_unchanged
from linnet.tracking.metrics_cells import metrics_cells

COLUMNS = ("coefficient", "std_error", "t", "p", "ci_low", "ci_high")
"""What metrics.json has of each coefficient of the optimum, as `linnet.solvers.inference` computes it."""
BOOTSTRAP = ("percentile_low", "percentile_high", "bca_low", "bca_high")
"""What metrics.json has of each coefficient and test metric, as `linnet.tracking.bootstrapped` names it."""
MOST_ROWS, MOST_FOLDS, MOST_SHOWN = 200, 200, 20
"""Rows of a table, resamples in one, and resamples whose table is not folded away."""
LONGEST_NOTE = 2000


def run_title(run: SavedRun) -> str:
    """Return model and data of a run, or its directory's name where they are not known."""
    parts = [plain(run.choices[group]) for group in ("model", "data") if run.choices.get(group)]
    return " on ".join(parts) or plain(run.path.name)


def run_sections(run: SavedRun, *, level: int = 2, figure_bytes: int = ALL) -> list[Section]:
    """Return all of one run, in any state.

    Args:
        run: its files may be missing, damaged, or anybody's; what they hold is shown, what cannot be read is named.
        level: of the headings.
        figure_bytes: that its figures may have.
    """
    curves, said = _curves(run)
    figures = pictures(run.path / "figures", figure_bytes)
    found = [
        Section("What was asked", list(_asked(run)), level),
        Section("What came out", [*_ended(run), *_results(run)], level, run.state),
        Section("Curves", [*said, *curves], level),
        Section(_resamples(run), list(_folds(run.metrics)), level),
        Section("Figures", figures, level),
        Section("Provenance", [*origin([manifest_of(run.path)]), run_commands(run)], level),
    ]
    return [section for section in found if section.blocks]


def _resamples(run: SavedRun) -> str:
    return "Bootstrap samples" if run.choices.get("resampling") == "bootstrap" else "Folds"


def _asked(run: SavedRun) -> Iterator[Block]:
    labels = [plain(run.config[key]) for key in ("name",) if isinstance(run.config.get(key), str)]
    labels += [plain(tag) for tag in run.tags[:20]]
    if labels:
        yield Text(" · ".join(labels), "note")
    if isinstance(notes := run.config.get("notes"), str):
        yield Text(plain(notes, LONGEST_NOTE))
    if not run.config:
        yield Text("Its configuration is missing or damaged.", "bad")
        return
    found = differences_table(differences(run), "Options that differ from their defaults.")
    yield found or Text("Every option has its default.")
    yield Text(f"Seed {plain(run.seed)}.", "note")


def _ended(run: SavedRun) -> Iterator[Block]:
    if run.reason:
        yield Text(plain(run.reason, LONGEST_NOTE), "bad")
    if run.diverged_resamples:
        yield Text(f"{run.diverged_resamples} of its resamples diverged, and are in no mean.", "bad")
    if run.seconds is not None:
        yield Text(f"{run.seconds:.1f} seconds.", "note")


def _results(run: SavedRun) -> Iterator[Block]:
    if not run.metrics:
        yield Text("It has no final metrics.", "note")
        return
    gap = gap_line(run.metrics)
    if gap:
        yield Text(gap)
    header, rows = metrics_cells(run.metrics)
    # One table for the splits, and one for what is of none of them, whose rows have two cells.
    splits = [row for row in rows if "/" not in row[0]]
    others = [row for row in rows if "/" in row[0]]
    if splits:
        yield Table(header, splits, "Final metrics, with 95 % confidence intervals of those on test examples.")
    if others:
        yield Table(["metric", "value"], others[:MOST_ROWS], "Of the training problem.")
    yield from _coefficients(run.metrics)
    yield from _bootstrapped(run.metrics)


def gap_line(metrics: Mapping[str, float]) -> str:
    """Return how far the training objective ended from its optimum; empty if that is not known."""
    gap, best, bound = (metrics.get(f"optimum/{name}") for name in ("gap", "loss", "bound"))
    if gap is None or best is None:
        return ""
    if gap == 0:
        return f"The training objective ended at its optimum {best:.8g}, which is known to {bound or 0:.2g}."
    share = f", {gap / best:.2%} of it".replace("%", " %") if best > 0 else ""
    proven = "" if bound is None else f" The optimum is known to {bound:.2g}."
    return f"The training objective ended {gap:.4g} above its optimum {best:.8g}{share}.{proven}"


def _coefficients(metrics: Mapping[str, float]) -> Iterator[Block]:
    start = f"optimum/{COLUMNS[0]}/"
    names = [key.removeprefix(start) for key in metrics if key.startswith(start)]
    if names:
        rows = []
        for name in names[:MOST_ROWS]:
            values = [metrics.get(f"optimum/{column}/{name}") for column in COLUMNS]
            rows.append([plain(name), *("" if value is None else f"{value:.4g}" for value in values)])
        header = ["feature", "coefficient", "std error", "t", "p", "95 % low", "high"]
        yield Table(header, rows, "Coefficients of the optimum, in the units of the data.")


def _bootstrapped(metrics: Mapping[str, float]) -> Iterator[Block]:
    """Yield the 95 % intervals of a bootstrap: of test metrics, and of coefficients."""
    for start, what in (("bootstrap/test/", "test metrics"), ("bootstrap/", "coefficients")):
        first = f"{start}{BOOTSTRAP[0]}/"
        names = [key.removeprefix(first) for key in metrics if key.startswith(first)]
        rows = [[plain(name), *(_number(metrics.get(f"{start}{end}/{name}")) for end in BOOTSTRAP)] for name in names]
        if rows:
            header = ["", "percentile low", "high", "BCa low", "high"]
            yield Table(header, rows[:MOST_ROWS], f"95 % intervals of the bootstrap, of {what}.")


def _folds(metrics: Mapping[str, float]) -> Iterator[Block]:
    """Yield the values of each resample: a chart of the loss, and a table of all its metrics."""
    names = dict.fromkeys(key.partition(FOLD)[0] for key in metrics if key.startswith(CV) and FOLD in key)
    values = {name: _of_folds(metrics, name) for name in names}
    values = {name: found for name, found in values.items() if found}
    if not values:
        return
    table = _of_each(values)
    name = f"{CV}loss" if f"{CV}loss" in values else next(iter(values))
    x, y = list(values[name]), list(values[name].values())
    lines = [Line("of each resample", x, y, joined=False)]
    if name in metrics:
        error = f" ± {metrics[name + STANDARD_ERROR]:.2g}" if name + STANDARD_ERROR in metrics else ""
        lines.append(Line(f"mean {metrics[name]:.4g}{error}", [x[0], x[-1]], [metrics[name]] * 2, (), 1))
    many = len(table.rows) > MOST_SHOWN
    yield Chart(f"{plain(name)} of each resample", "resample", plain(name), lines, table if many else None)
    if not many:
        yield table


def _of_each(values: Mapping[str, Mapping[int, float]]) -> Table:
    numbers = sorted({number for found in values.values() for number in found})
    shown = numbers[:MOST_FOLDS]
    rows = [[str(number), *(_number(found.get(number)) for found in values.values())] for number in shown]
    left = f" The first {MOST_FOLDS} of {len(numbers)}." if len(numbers) > MOST_FOLDS else ""
    caption = f"Metrics on the examples that each resample leaves out.{left}"
    return Table(["resample", *map(plain, values)], rows, caption, texts=())


def _of_folds(metrics: Mapping[str, float], name: str) -> dict[int, float]:
    pairs = ((key.removeprefix(name + FOLD), value) for key, value in metrics.items() if key.startswith(name + FOLD))
    return dict(sorted((int(number), value) for number, value in pairs if number.isdecimal() and len(number) < 9))


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4g}"


def _curves(run: SavedRun) -> tuple[list[Charts], list[Text]]:
    """Return the charts of history.csv, or what is wrong with it."""
    path: Path = run.path / "history.csv"
    try:
        if run.state == "completed":
            check_unchanged(run.path, ("history.csv",))
        if not path.exists():
            return [], []
        return list(run_charts(read_history(path))), []
    except (OSError, InputError, ValueError) as error:
        return [], [Text(f"No curves: {plain(error, 300)}", "bad")]
