"""Detect values in which two unclosed quotes have swallowed rows of a CSV file."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from linnet.data.table.layout import Layout
from linnet.system.errors import InputError

LINE_END = re.compile(r"\r\n|\n|\r")
LOOKED_AT = 50


def refuse_swallowed(
    path: Path, text: bytes, layout: Layout, table: pa.Table, chosen: Sequence[int], first_line: int
) -> None:
    """Raise InputError if a value holds the end of one row, a line break and the beginning of another.

    Args:
        path: for the messages.
        text: whole rows in UTF-8.
        layout: of the file.
        table: the rows, of columns of text.
        chosen: the places of these columns in the file.
        first_line: number of the first line of the text in the file.
    """
    if len(layout.header) == 1:
        return
    numeric = [place for place, column in zip(chosen, table.columns, strict=True) if _is_numeric(column)]
    for place, column in zip(chosen, table.columns, strict=True):
        for value in column.filter(pc.match_substring_regex(column, r"[\r\n]")).to_pylist():
            if looks_like_rows(value, place, layout, numeric):
                line = _line_of(text, place, value, layout) + first_line - 1
                raise InputError(
                    f"{path} line {line}: the value of {layout.header[place]} looks like rows that a quote left open "
                    f"has swallowed: mend the quotes there, or take the line break out of the value"
                )


def looks_like_rows(value: str, place: int, layout: Layout, numeric: Sequence[int] = ()) -> bool:
    """Return whether a value with line breaks is divided like the rows from this position on.

    Args:
        value: of a row.
        place: of its column in the file.
        layout: of the file.
        numeric: places of columns that hold numbers, which their part of the value must do too.
    """
    n = len(layout.header)
    rows = [line.split(layout.delimiter) for line in LINE_END.split(value)]
    if len(rows) < 2:
        return False
    first, *middle, last = rows
    if len(first) != n - place or len(last) != place + 1 or any(len(row) != n for row in middle):
        return False
    others = [*enumerate(first[1:], place + 1), *enumerate(last[:-1])]
    return all(_is_number(text) for at, text in others if at in numeric)


def _is_numeric(column: pa.ChunkedArray) -> bool:
    values = column.slice(1, LOOKED_AT).to_pylist()  # the first may be the header
    return 2 * sum(map(_is_number, values)) > len(values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _line_of(text: bytes, place: int, value: str, layout: Layout) -> int:
    """Return the line number, in the text, where the row with this value begins."""
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=layout.delimiter)
    line = 1
    for row in reader:
        if len(row) > place and row[place] == value:
            break
        line = reader.line_num + 1
    return line
