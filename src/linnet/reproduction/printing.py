"""Cells and styles shared by the tables of runs and of experiments."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from linnet.system.sanitize import plain
from linnet.system.terminal import folded, print_prose

LABEL = 12
COLOURS = {
    "identical": "green", "within tolerance": "yellow", "different": "bold red", "not recorded": "dim",
    "not run": "bold red", "recorded": "green",
}  # fmt: skip


def print_verdict(console: Console, verdict: str, names: Sequence[str] = ()) -> None:
    """Print `identical`, `within tolerance`, or `different: test/accuracy, weights`."""
    words = f"{verdict}: {', '.join(names)}" if names else verdict
    print_prose(console, words, style=COLOURS[verdict])


def coloured(verdict: str, note: str = "") -> Text:
    """Return a verdict in its colour, as Text because rich would interpret markup in untrusted words."""
    return Text.assemble((verdict, COLOURS[verdict]), f" ({note})" if note else "")


def label_line(console: Console, label: str, text: str) -> None:
    """Print a line with its label in bold."""
    width = console.width - LABEL
    lines = (folded(text, width) if console.is_terminal and width > 0 else text).replace("\n", "\n" + " " * LABEL)
    console.print(f"{label:<{LABEL}}", style="bold", end="")
    console.print(lines, soft_wrap=True)


def show(value: Any) -> str:
    """Return a number with six digits, or the first digits of a hash."""
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else plain(value)
