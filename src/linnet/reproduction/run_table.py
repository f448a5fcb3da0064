"""Print the report on a reproduced run."""

from typing import TypeVar

from rich.console import Console
from rich.text import Text

from linnet.reproduction import environment
from linnet.reproduction.figure import METRICS, OPTIMUM, Figure
from linnet.reproduction.printing import coloured, label_line, print_verdict, show
from linnet.reproduction.run_report import RunReport
from linnet.system.sanitize import plain, shown
from linnet.system.tables import Column, print_table

T = TypeVar("T")
MOST_ROWS = 12
"""Most identical metrics, or numbers of the optimum, that are listed one by one; of more, their number is printed."""


def print_run(console: Console, report: RunReport) -> None:
    """Print the table of values, what differs in the environment, what is wrong with the files, and the verdict."""
    _print_table(console, report)
    for line in environment.lines(report.environment):
        label_line(console, "environment", line)
    hint = environment.hint(str(report.run), report.environment)
    if hint:
        label_line(console, "", hint)
    for name, fault in report.faults.items():
        label_line(console, "fault", f"{name} {fault}")
    if not report.environment and report.verdict == "different":
        label_line(console, "environment", "no difference, so every bit is to be the same: no tolerance applies")
    label_line(console, "here", str(shown(report.directory)))
    print_verdict(console, report.verdict, report.different)


def _print_table(console: Console, report: RunReport) -> None:
    hidden: list[Figure] = []
    summary: list[list[str | Text]] = []
    for what, file in ((f"figures of {METRICS}", METRICS), ("numbers of the optimum", OPTIMUM)):
        of_file = [figure for figure in report.figures if figure.file == file]
        alike = [figure for figure in of_file if figure.verdict == "identical"]
        if len(alike) > MOST_ROWS:
            hidden += alike
            others = "other " if len(alike) < len(of_file) else ""
            summary.append([f"{len(alike)} {others}{what}", "", "", "", coloured("identical")])
    rows: list[list[str | Text]] = []
    for figure in report.figures:
        if figure not in hidden:
            texts = [figure.name, show(figure.recorded), show(figure.here), _difference(figure)]
            rows.append([*texts, coloured(figure.verdict, figure.note)])
    headings = ("figure", "recorded", "here", "difference", "verdict")
    columns = [Column(name, "left" if name in ("figure", "verdict") else "right") for name in headings]
    if not any(row[3] for row in rows):  # an empty column
        columns, rows = _without_difference(columns), list(map(_without_difference, rows))
        summary = list(map(_without_difference, summary))
    print_table(console, columns, [*rows, *summary], title=plain(report.run, 200))


def _without_difference(cells: list[T]) -> list[T]:
    return [*cells[:3], *cells[4:]]


def _difference(figure: Figure) -> str:
    return f"{figure.difference:.1e}" if figure.difference else ""
