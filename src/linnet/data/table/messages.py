"""Format names and row numbers for messages."""

import difflib
from collections.abc import Callable, Iterable, Sequence

from linnet.system.errors import InputError

RowLocator = Callable[[Sequence[int]], str]
"""Turns indices of rows, counted from 0, into words: `rows 3, 4 of houses.csv`."""

MOST = 5


def join_names(words: Iterable[object], most: int = MOST) -> str:
    """Join the first few words: `a, b, c and 4 more`."""
    listed = [str(word) for word in words]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def row_words(rows: Sequence[int]) -> str:
    """Format row numbers, counted from 1 below the header: `row 3`, `rows 3, 4`."""
    return f"row{'s' if len(rows) != 1 else ''} {join_names(int(row) + 1 for row in rows)}"


def count_words(count: int, noun: str) -> str:
    """Format a count with its noun: `1 row`, `2 rows`, `3 classes`."""
    return f"{count} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def listed(names: Sequence[str]) -> str:
    """Format names as a list for the command line: `[age,"a b"]`."""
    return f"[{','.join(name if name.replace('_', '').isalnum() else repr(name) for name in names)}]"


def require_column(key: str, name: str, columns: Sequence[str], place: str) -> None:
    """Raise InputError unless there is a column of this name.

    Args:
        key: the configuration key that asks for it.
        columns: that there are.
        place: of the columns, for example the name of a file.
    """
    if name not in columns:
        raise InputError(f"{key}={name}: {place} has no such column{hint(name, columns)}")


def hint(name: str, columns: Sequence[str]) -> str:
    """Suggest existing columns for a missing one: `, did you mean age?`."""
    folded = {column.casefold(): column for column in columns}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f", did you mean {folded[near[0]]}?" if near else f"; its columns are {join_names(columns, 20)}"
