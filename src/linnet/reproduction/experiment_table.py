"""Print reports of experiments: one in full, or many with a line each."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from linnet.comparison.groups import Spread, spread
from linnet.reproduction import environment
from linnet.reproduction.experiment_report import ExperimentReport
from linnet.reproduction.printing import coloured, label_line, print_verdict, show
from linnet.reproduction.verdict import VERDICTS
from linnet.system.sanitize import plain
from linnet.system.tables import Column, print_table


def print_experiment(console: Console, report: ExperimentReport) -> None:
    """Print the table of arms and metrics, what differs in the environment, and the verdict."""
    rows: list[list[str | Text]] = []
    for row in report.rows:
        largest = "" if row.largest is None else f"{row.largest:.1e}" if row.largest else "0"
        tolerance = "" if row.tolerance is None else f"{row.tolerance:g}"
        figures = _figure(row.recorded), _figure(list(row.here.values())), largest, tolerance
        rows.append([plain(row.arm.name), row.metric, *figures, coloured(row.verdict)])
    numbers = [Column(name, "right", whole=True) for name in ("recorded", "here", "largest difference", "tolerance")]
    columns = [Column("arm"), Column("metric"), *numbers, Column("verdict")]
    arms = [len(report.rows) - 1, *(i for i in range(len(rows) - 1) if report.rows[i].arm != report.rows[i + 1].arm)]
    print_table(console, columns, rows, keys=2, title=report.name, sections=arms)
    for line in environment.lines(report.environment):
        label_line(console, "environment", line)
    if report.recorded_again:
        label_line(console, "recorded", "again; the table compares with what was recorded before")
    print_verdict(console, report.verdict, report.different)


def print_summary(console: Console, reports: Sequence[ExperimentReport]) -> None:
    """Print one line per experiment, then what is different or could not be run."""
    numbers = ("arms", "seeds", "figures", "identical", "within", "different", "seconds")
    rows: list[list[str | Text]] = []
    for report in reports:
        counts = [report.counts[verdict] for verdict in VERDICTS]
        found = [report.arms, report.seeds, sum(counts), *counts] if report.rows else [""] * 6
        rows.append([report.name, *map(str, found), f"{report.seconds:.1f}", coloured(str(report.verdict))])
    columns = [Column("experiment"), *(Column(name, "right") for name in numbers), Column("verdict")]
    print_table(console, columns, rows, title=f"{len(reports)} experiments")
    for report in reports:
        if report.reason is not None:
            label_line(console, "not run", f"{report.name}: {report.reason}")
        elif report.different:
            label_line(console, "different", f"{report.name}: {', '.join(map(plain, report.different))}")
    _print_environment(console, reports)


def _print_environment(console: Console, reports: Sequence[ExperimentReport]) -> None:
    """Print each difference once, with the experiments it holds for unless it holds for all."""
    names: dict[str, list[str]] = {}
    run = [report for report in reports if report.rows]
    for report in run:
        for line in environment.lines(report.environment):
            names.setdefault(line, []).append(report.name)
    for line, those in names.items():
        label_line(console, "environment", line if len(those) == len(run) else f"{line} ({', '.join(those)})")


def _figure(values: Sequence[float | str | None]) -> str:
    """Return `0.8325 ± 0.0003 (n = 3)` over seeds; states and missing values as they are."""
    numbers = [value for value in values if isinstance(value, float)]
    found: Spread | None = spread(numbers)
    if found is None or len(numbers) < len(values):
        words = dict.fromkeys(show(value) for value in values)
        return f"{', '.join(words)} (n = {len(values)})"
    text = str(found) if found.std is None else str(found).rpartition(" (")[0]
    return f"{text} (n = {found.n})"
