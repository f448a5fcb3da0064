"""Read CSV: every value as text; column types are inferred later. Titles and comments are no rows."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from linnet.data.table.encoding import to_utf8
from linnet.data.table.layout import Layout, find_layout, records
from linnet.data.table.messages import count_words
from linnet.data.table.open_quotes import refuse_swallowed
from linnet.system.errors import InputError

BLOCK = 1 << 22
"""Bytes that are parsed at once; a row must fit into them."""


class CsvFormat(NamedTuple):
    """How to read a CSV file.

    delimiter, encoding: as `find_layout` and `to_utf8` take them; None: detected.
    comment: what a comment begins with, at the start of a line outside quotes; None: there are none.
    skip_rows: lines before the header.
    """

    delimiter: str | None = None
    encoding: str | None = None
    comment: str | None = None
    skip_rows: int = 0


def read_delimited(
    path: Path, content: bytes, csv_format: CsvFormat, only: Sequence[str] | None = None
) -> tuple[pa.Table, list[str]]:
    """Read a delimited file as text columns; return the table with notes on the detected layout.

    Args:
        path: for the messages.
        content: of the file, uncompressed.
        csv_format: how to read it.
        only: columns to keep; None, or if there are none such: all.

    Raises:
        InputError: if the file is no text, has no rows, no or equal names of columns, or rows of unequal length.
    """
    text, found = to_utf8(path, content, csv_format.encoding)
    text = blanked(text, csv_format.comment, csv_format.skip_rows)
    layout = find_layout(path, text, csv_format.delimiter)
    table, spanning = parse(path, text, layout, only)
    if table.num_rows == 0:
        raise InputError(f"{path} has a header and no rows")
    notes = [] if csv_format.encoding or found == "utf-8" else [f"{path}: read as {found}"]
    return table, [*notes, *layout.notes, *spanning_note(path, spanning)]


def parse(
    path: Path, text: bytes, layout: Layout, only: Sequence[str] | None, first_line: int = 1
) -> tuple[pa.Table, int]:
    """Parse rows into text columns; return them with the number of lines that continue a quoted value.

    Args:
        path: for the messages.
        text: whole rows in UTF-8.
        layout: of the file.
        only: columns to keep, as `Layout.chosen` takes them.
        first_line: number of the first line of the text in the file; the header is in the text if this is 1.

    Raises:
        InputError: if there are rows of unequal length, or a quote that is not closed as it should be.
    """
    chosen = layout.chosen(only)
    table = _parse(path, text, layout, chosen, first_line)
    spanning = _spanning(path, text, layout.delimiter, table.num_rows, first_line)
    if spanning:
        refuse_swallowed(path, text, layout, table, chosen, first_line)
    if first_line == 1:
        table = table.slice(1)
    return table.rename_columns([layout.header[i] for i in chosen]), spanning


def spanning_note(path: Path, spanning: int) -> list[str]:
    """Return a note if lines continue a quoted value: an unclosed quote may have swallowed rows."""
    return [f"{path}: {spanning} of its lines go on a row, within quotes"] if spanning else []


def count_lines(text: bytes) -> int:
    """Count the lines, empty ones included."""
    ends = text.count(b"\n")
    if b"\r" in text:
        ends += text.count(b"\r") - text.count(b"\r\n")
    return ends + (text != b"" and text[-1:] not in b"\r\n")


def _parse(path: Path, text: bytes, layout: Layout, chosen: Sequence[int], first_line: int) -> pa.Table:
    ragged: list[arrow_csv.InvalidRow] = []

    def remember(row: arrow_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    names = [f"f{i}" for i in range(len(layout.header))]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names),
            arrow_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=remember),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=[names[i] for i in chosen],
                strings_can_be_null=False,
            ),
        )  # fmt: skip
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        reason = " ".join(str(error).split())
        remedy = "a row is too long, is a quote left open?" if "straddl" in reason else reason[:200]
        raise InputError(f"{path} cannot be read as CSV: {remedy}") from error
    if ragged:
        raise _ragged(path, text, layout.delimiter, ragged, first_line)
    return table


def _spanning(path: Path, text: bytes, delimiter: str, n_rows: int, first_line: int) -> int:
    """Count the lines that continue a quoted value, without empty ones.

    Raises:
        InputError: if a quote is not closed, or not closed where a value ends: it may have swallowed rows.
    """
    if count_lines(text) == n_rows or b'"' not in text:
        return 0
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, strict=True)
    start = first_line
    try:
        for _ in reader:
            start = reader.line_num + first_line
    except csv.Error as error:
        raise InputError(f"{path}: a quote that opens in line {start} or after is not closed there: {error}") from error
    return sum(line != b"" for line in text.splitlines()) - n_rows


def _ragged(
    path: Path, text: bytes, delimiter: str, rows: Sequence[arrow_csv.InvalidRow], first_line: int
) -> InputError:
    expected, actual = rows[0].expected_columns, rows[0].actual_columns
    lines = (line for row, line in records(text.decode(), delimiter) if len(row) == actual)
    line = next(lines, 1) + first_line - 1
    more = f" (and {len(rows) - 1} more such lines)" if len(rows) > 1 else ""
    return InputError(
        f"{path} line {line}: {count_words(actual, 'value')} where the header has {expected}{more}: "
        f"mend it, or put quotes around values that hold the delimiter"
    )


VALUE_BEGINS = rb"(?<![^\r\n,;\t|])"


def blanked(text: bytes, comment: str | None, skip_rows: int) -> bytes:
    """Return the text with empty lines, which are no rows, in place of titles and comments: lines keep their numbers.

    Args:
        text: whole lines in UTF-8.
        comment: what a comment begins with, at the start of a line outside quotes; None: there are none.
        skip_rows: lines to blank at the beginning.
    """
    if skip_rows:
        lines = text.splitlines(keepends=True)
        titles = (line[len(line.rstrip(b"\r\n")) :] for line in lines[:skip_rows])
        text = b"".join([*titles, *lines[skip_rows:]])
    if comment is None or comment.encode() not in text:
        return text
    sign = re.escape(comment.encode())
    if text.startswith(comment.encode()) or re.search(rb"[\r\n]" + sign, text):
        quoted = VALUE_BEGINS + rb'"[^"]*(?:""[^"]*)*(?:"|\Z)'
        pattern = re.compile(rb"(?P<comment>(?<![^\r\n])" + sign + rb"[^\r\n]*)|" + quoted)
        text = pattern.sub(lambda match: b"" if match["comment"] is not None else match[0], text)
    return text
