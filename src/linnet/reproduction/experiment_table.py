"""Print reports of experiments: one in full, or many with a line each."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from linnet.comparison.groups import Spread, spread
from linnet.reproduction import environment
from linnet.reproduction.experiment_report import ExperimentReport
from linnet.reproduction.printing import coloured, label_line, print_verdict, show
from linnet.reproduction.verdict import VERDICTS
from linnet.system.sanitize import plain


def print_experiment(console: Console, report: ExperimentReport) -> None:
    """Print the table of arms and metrics, what differs in the environment, and the verdict."""
    table = Table(title=Text(report.name), title_justify="left", title_style="bold")
    for heading in ("arm", "metric"):
        table.add_column(heading, overflow="fold")
    for heading in ("recorded", "here", "largest difference", "tolerance"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in report.rows:
        largest = "" if row.largest is None else f"{row.largest:.1e}" if row.largest else "0"
        tolerance = "" if row.tolerance is None else f"{row.tolerance:g}"
        here = list(row.here.values())
        texts = (plain(row.arm.name), row.metric, _figure(row.recorded), _figure(here), largest, tolerance)
        table.add_row(*map(Text, texts), coloured(row.verdict))
    console.print(table)
    for line in environment.lines(report.environment):
        label_line(console, "environment", line)
    if report.recorded_again:
        label_line(console, "recorded", "again; the table compares with what was recorded before")
    print_verdict(console, report.verdict, report.different)


def print_summary(console: Console, reports: Sequence[ExperimentReport]) -> None:
    """Print one line per experiment, then what is different or could not be run."""
    table = Table(title=f"{len(reports)} experiments", title_justify="left", title_style="bold")
    table.add_column("experiment")
    for heading in ("arms", "seeds", "figures", "identical", "within", "different", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for report in reports:
        counts = [report.counts[verdict] for verdict in VERDICTS]
        numbers = [report.arms, report.seeds, sum(counts), *counts] if report.rows else [""] * 6
        table.add_row(Text(report.name), *map(str, numbers), f"{report.seconds:.1f}", coloured(str(report.verdict)))
    console.print(table)
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
