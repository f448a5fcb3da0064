"""Print text to a terminal as it stands, whatever characters it holds."""

import re
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from linnet.system.sanitize import printable
from linnet.system.streams import UNWRITTEN, discard

WIDE = 240
"""Columns of a file or a pipe, which have no edge at which a table must be folded."""


LISTED = re.compile(r"(?<=,)(?=.)")


class Terminal(Console):
    """A Console that reads no markup in names, classes and directories that users wrote: `[/kg]` prints as it stands.

    Control and direction characters in such texts are written out and not obeyed.

    When its reader has gone, as in `linnet train | head`, or the disk is full that standard output is on, it is quiet
    from then on, and the run goes on.

    Args:
        options: of rich's Console.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})
        if not self.is_terminal:
            self.width = WIDE

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=printable(segment.text))

    def print(self, *objects: Any, **options: Any) -> None:
        try:
            super().print(*objects, **options)
        except OSError as error:
            UNWRITTEN.append(error)
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        self.quiet = True
        discard(sys.stderr if self.stderr else sys.stdout)


def labelled(label: str, text: str, width: int = 0) -> Text:
    """Return one line that begins with a label in bold, filled up to `width` characters."""
    return Text.assemble((f"{label:<{width}}", "bold"), f" {text}")


def print_next(console: Console, label: str, value: str) -> None:
    """Print one line: where something is, or what to type next."""
    console.print(labelled(label, value, 7), soft_wrap=True)


def print_prose(console: Console, line: str, **options: Any) -> None:
    """Print a line, on a terminal folded between words: a terminal folds anywhere, as in commands to be copied."""
    console.print(folded(line, console.width) if console.is_terminal else line, soft_wrap=True, **options)


def folded(line: str, width: int) -> str:
    """Return a line folded between words; longer words, as paths, stay whole, and longer lists fold behind commas."""
    words = (word if len(word) <= width else " ".join(LISTED.split(word)) for word in line.split(" "))
    line = " ".join(words)
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)
