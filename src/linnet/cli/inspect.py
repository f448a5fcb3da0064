"""`linnet inspect RUN`: coefficients as a table for people, or as CSV for programs."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from linnet.cli.parser import Parser, add_spreadsheet_option
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.garbage_collection import gc_paused
from linnet.system.spreadsheet import safe_cell
from linnet.system.tables import Column, print_table
from linnet.system.terminal import Terminal, labelled, print_prose

if TYPE_CHECKING:
    from linnet.inference.coefficients import Coefficients, Row

HEADER = ("class", "feature", "coefficient", "optimum", "std_error", "ci_low", "ci_high", "t", "p", "per_deviation")
ERRORS = ("std_error", "ci_low", "ci_high", "t", "p")
LABELS = {"std_error": "std error", "ci_low": "95 % low", "ci_high": "95 % high"}
BOOTSTRAP = {
    "ci_low": "t low", "ci_high": "t high", "percentile_low": "percentile low", "percentile_high": "percentile high",
    "bca_low": "BCa low", "bca_high": "BCa high", "selected": "selected",
}  # fmt: skip
"""Columns of the table of bootstrap intervals, and their labels."""
PER_TARGET, PER_CLASS = 30, 10
RESAMPLES = "resamples.safetensors"
"""In the directory of a run with resamples."""


def main(arguments: Sequence[str]) -> None:
    """Print the strongest coefficients, or write all of them.

    Raises:
        InputError: if there is no completed run, or the file cannot be written.
    """
    given = _parser().parse_args(arguments)
    if given.top is not None and given.top < 1:
        raise InputError(f"inspect: --top {given.top}: expected a whole number of at least 1")
    path = None if given.csv in (None, "-") else Path(given.csv)
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise InputError(f"inspect: --csv {path}: is a directory, or in a directory that does not exist")
    with gc_paused():  # late: help and mistakes are answered before scipy is imported
        from linnet.inference.coefficients import load_coefficients
        from linnet.results.saved import load_run
    found = load_coefficients(given.run)
    resampled = load_run(given.run).metrics if (given.run / RESAMPLES).exists() else {}
    if given.csv == "-":
        sys.stdout.buffer.write(to_csv(found, given.spreadsheet_safe).encode())  # data, whatever a terminal can show
        sys.stdout.flush()
        return
    console = Terminal()
    for line in print_coefficients(console, found, given.top, str(given.run)):
        print_prose(console, line)
    print_resamples(console, resampled)
    if path is not None:
        write_atomic(path, to_csv(found, given.spreadsheet_safe))
        console.print(labelled("all", str(path), 7), soft_wrap=True)


def to_csv(found: "Coefficients", spreadsheet_safe: bool = False) -> str:
    """Return all coefficients as CSV, one per row, with all digits; a cell is empty where the number is not known."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    further = tuple(name for name in found.known_columns if name not in (*HEADER, "output"))
    writer.writerow((*HEADER, *further))
    for row in found.rows:
        names = row.output, row.feature
        numbers = (getattr(row, name) for name in (*HEADER[2:], *further))
        writer.writerow([*(map(safe_cell, names) if spreadsheet_safe else names), *numbers])
    return text.getvalue()


def print_coefficients(console: Console, found: "Coefficients", top: int | None, title: str) -> list[str]:
    """Print the coefficients of all targets or classes as one table, and return the notes to print below it."""
    predictor = found.predictor
    outputs = predictor.output_names
    classes = bool(predictor.class_names)
    most = top or (PER_CLASS if classes else PER_TARGET)
    sections = [(output, *strongest(found.of(output), most)) for output in outputs]
    errors = found.has_errors
    columns = [*(() if found.exact or not errors else ("optimum",)), *(ERRORS if errors else ())]
    labels = dict(LABELS)
    if found.unit is not None:
        columns.append("per_deviation")
        labels["per_deviation"] = found.unit
    console.print(title, style="bold", soft_wrap=True)  # a title of the table would be folded
    _print_table(console, sections, ("coefficient", *columns), labels, classes)
    if found.n_resamples:
        console.print(f"95 % intervals of {found.n_resamples} bootstrap resamples", style="bold", soft_wrap=True)
        shown = [name for name in BOOTSTRAP if any(getattr(row, name) is not None for row in found.rows)]
        _print_table(console, sections, shown, BOOTSTRAP, classes)
    return _notes(found, max(more for *_, more in sections), classes)


def print_resamples(console: Console, metrics: Mapping[str, float]) -> None:
    """Print the metrics of a run's resamples, and of a bootstrap the intervals of its test metrics, if it has any."""
    from linnet.tracking.metrics_cells import bootstrap_cells, resamples_cells

    titles = "metrics on what the resamples leave out", "95 % bootstrap intervals of test metrics"
    for title, (header, rows) in zip(titles, (resamples_cells(metrics), bootstrap_cells(metrics)), strict=True):
        if not rows:
            continue
        filled = [i for i in range(len(header)) if any(row[i : i + 1] not in ([], [""]) for row in rows)]
        columns = [Column(header[i], "right" if i else "left", whole=i > 0) for i in filled]
        box: dict[str, Any] = {} if console.is_terminal else {"box": None}
        print_table(console, columns, [[row[i] for i in filled if i < len(row)] for row in rows], title=title, **box)


def _print_table(
    console: Console, sections: "Sequence[tuple[str, list[Row], int]]", columns: Sequence[str],
    labels: Mapping[str, str], classes: bool,
) -> None:  # fmt: skip
    """Print these columns of the rows of each output."""
    many = len(sections) > 1
    names = [*(["class" if classes else "target"] if many else []), "feature"]
    rows, ends = [], []
    for output, found, _ in sections:
        for i, row in enumerate(found):
            of = [output if i == 0 else ""] if many else []
            rows.append([*of, row.feature, *(_show(getattr(row, name)) for name in columns)])
        ends.append(len(rows) - 1)
    numbers = [Column(labels.get(name, name), "right", whole=True) for name in columns]
    box: dict[str, Any] = {} if console.is_terminal else {"box": None}
    print_table(console, [*map(Column, names), *numbers], rows, keys=len(names), sections=ends, **box)


def strongest(rows: "Sequence[Row]", most: int) -> "tuple[list[Row], int]":
    """Return the bias and all features in their order, or the `most` strongest first; and the number left out."""
    bias, features = rows[:1], list(rows[1:])
    if len(features) > most:
        features = sorted(features, key=lambda row: -row.strength)[:most]
    return [*bias, *features], len(rows) - len(bias) - len(features)


def _notes(found: "Coefficients", more: int, classes: bool) -> list[str]:
    predictor = found.predictor
    notes = []
    if more:
        each = " of each class" if classes else ""
        notes.append(f"the strongest features{each}, {more} more: --top N, or --csv FILE for all")
    if predictor.link == "exp":
        notes.append("the rate is multiplied by exp(coefficient) when a feature grows by 1")
    elif classes:
        notes.append("a coefficient is what a feature that grows by 1 adds to the logit of the class")
    if found.has_errors and not found.exact:
        notes.append(
            "errors, intervals and tests are of the optimum, the least squares solution; the coefficients of this run "
            "are what its training reached"
        )
    if found.has_errors and found.rows[0].std_error is None:
        notes.append("the model has no bias: optimum/r2 compares with predicting 0, not with predicting the mean")
    notes += found.bootstrap_notes
    if found.withheld is not None:
        notes.append(f"no standard errors: {found.withheld}")
    elif not found.has_errors and not classes and predictor.link == "identity":
        notes.append(
            "no standard errors: they are known for the exact solution (optimizer=exact or optimum=always) of squared "
            "error without penalty, if no feature is determined by others as the levels of a category are"
        )
    return notes


def _show(number: float | None) -> str:
    return "" if number is None else f"{number:.6g}"


def _parser() -> Parser:
    parser = Parser(prog="linnet inspect", description="A run's coefficients in the units that its features came in.")
    parser.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument("--csv", metavar="FILE", help="write all coefficients with all digits; -: to standard output")
    parser.add_argument(
        "--top", type=int, metavar="N",
        help=f"features shown; default: {PER_CLASS} of each class, {PER_TARGET} of a target",
    )  # fmt: skip
    add_spreadsheet_option(parser)
    return parser
