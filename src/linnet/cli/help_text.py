"""Fold lines of help to the width of the terminal. Imports nothing heavy."""

import re
import shutil
import textwrap

WIDTH = 110
"""Of a file or a pipe, which have no edge."""
SECOND = re.compile(r" *\S+(?: \S+)* {2,}(?=\S)")
"""The first of two columns, with the spaces after it."""
FIRST, LAST = 20, 24
"""Least widths of the two, else it is one text."""


def help_width() -> int:
    """Return the width of the terminal, or what the variable COLUMNS says."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def fold_help(text: str, width: int | None = None) -> str:
    """Return lines folded between words; what follows stands below the second column, or a little further in."""
    columns = help_width() if width is None else width
    return "\n".join(_folded(line, columns) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    first = SECOND.match(line)
    start = len(line) - len(line.lstrip(" ")) + 4
    indent = first.end() if first is not None and FIRST <= first.end() <= width - LAST else start
    return "\n".join(textwrap.wrap(
        line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False,
        replace_whitespace=False,
    ))  # fmt: skip
