"""Print the report on a reproduced run."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from linnet.reproduction import environment
from linnet.reproduction.figure import METRICS, Figure
from linnet.reproduction.printing import coloured, label_line, print_verdict, show
from linnet.reproduction.run_report import RunReport
from linnet.system.sanitize import plain

MOST_ROWS = 12
"""Most identical metrics that are listed one by one; of more, their number is printed."""


def print_run(console: Console, report: RunReport) -> None:
    """Print the table of values, what differs in the environment, what is wrong with the files, and the verdict."""
    console.print(_table(report))
    for line in environment.lines(report.environment):
        label_line(console, "environment", line)
    hint = environment.hint(str(report.run), report.environment)
    if hint:
        label_line(console, "", hint)
    for name, fault in report.faults.items():
        label_line(console, "fault", f"{name} {fault}")
    if not report.environment and report.verdict == "different":
        label_line(console, "environment", "no difference, so every bit is to be the same: no tolerance applies")
    label_line(console, "here", str(report.directory))
    print_verdict(console, report.verdict, report.different)


def _table(report: RunReport) -> Table:
    table = Table(title=Text(plain(report.run, 200)), title_justify="left", title_style="bold")
    for heading in ("figure", "recorded", "here", "difference", "verdict"):
        table.add_column(heading, justify="left" if heading in ("figure", "verdict") else "right", overflow="fold")
    alike = [figure for figure in report.figures if figure.file == METRICS and figure.verdict == "identical"]
    hidden = alike if len(alike) > MOST_ROWS else []
    for figure in report.figures:
        if figure not in hidden:
            texts = (figure.name, show(figure.recorded), show(figure.here), _difference(figure))
            table.add_row(*map(Text, texts), coloured(figure.verdict, figure.note))
    if hidden:
        others = "other " if len(hidden) < len([figure for figure in report.figures if figure.file == METRICS]) else ""
        table.add_row(f"{len(hidden)} {others}figures of {METRICS}", "", "", "", coloured("identical"))
    return table


def _difference(figure: Figure) -> str:
    return f"{figure.difference:.1e}" if figure.difference else ""
