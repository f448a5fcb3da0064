"""CSV: every value as the text that stands there; what it means is decided later, by column."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from linnet.data.table.encoding import SAMPLE, to_utf8
from linnet.data.table.naming import count_words, some
from linnet.errors import InputError

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
WORDS = {sign: f"a {name}" for name, sign in DELIMITERS.items()}
SAMPLE_ROWS = 50
LONGEST_LINE = 1 << 20
BLOCK = 1 << 22
"""Bytes that are parsed at once; a row must fit into them."""


def read_delimited(
    path: Path, content: bytes, delimiter: str | None, encoding: str | None, only: Sequence[str] | None = None
) -> tuple[pa.Table, list[str]]:
    """A table of text columns, and notes of what was found out about the file.

    Args:
        path: for the messages.
        content: of the file, uncompressed.
        delimiter: one character, or the name of one of `DELIMITERS`; None: found out, one of these.
        encoding: as `to_utf8` takes it.
        only: columns to keep; None, or if there are none such: all.

    Raises:
        InputError: if the file is no text, has no rows, no or equal names of columns, or rows of unequal length.
    """
    text, found = to_utf8(path, content, encoding)
    notes = [] if encoding or found == "utf-8" else [f"{path}: read as {found}"]
    _refuse_one_line(path, text)
    delimiter = DELIMITERS.get(delimiter or "", delimiter)
    if delimiter is None:
        delimiter = _detect(text)
        notes += [] if delimiter == "," else [f"{path}: columns are separated by {WORDS[delimiter]}"]
    header = _header(path, text, delimiter)
    named = [i for i, name in enumerate(header) if name]
    if len(named) < len(header):
        numbers = some(i + 1 for i, name in enumerate(header) if not name)
        notes.append(f"{path}: column {numbers} has no name (an index?), left out")
    chosen = [i for i in named if only is None or header[i] in only] or named
    table = _parse(path, text, delimiter, len(header), chosen)
    notes += _spanning(path, text, delimiter, table.num_rows)
    return table.rename_columns([header[i] for i in chosen]), notes


def _detect(text: bytes) -> str:
    """The delimiter by which the first rows have as many values as the header, and most of them."""
    sample = text[:SAMPLE].decode("utf-8", "ignore")
    if len(text) > SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS.values():
        lengths = [len(row) for row, _ in _records(sample, delimiter, SAMPLE_ROWS)]
        if lengths and lengths[0] > 1:
            score = lengths.count(lengths[0]) / len(lengths), lengths[0]
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _header(path: Path, text: bytes, delimiter: str) -> list[str]:
    """The names of the columns, "" where there is none."""
    first = next(_records(text[:LONGEST_LINE].decode("utf-8", "ignore"), delimiter, 1), ([], 0))[0]
    header = [name.strip() for name in first]
    if not any(header):
        raise InputError(f"{path} has no header: its first line must name the columns")
    if len(header) == 1:
        raise InputError(
            f"{path} has one column only, '{header[0][:60]}': is the delimiter another than {WORDS[delimiter]}? Give "
            f"data.delimiter"
            if delimiter in WORDS
            else f"{path} has one column only when separated by '{delimiter}', '{header[0][:60]}': leave out "
            f"data.delimiter, or give another"
        )
    twice = [name for name, count in Counter(header).items() if name and count > 1]
    if twice:
        numbers = some(i + 1 for i, name in enumerate(header) if name == twice[0])
        raise InputError(f"{path}: columns {numbers} are all called {twice[0]}: rename them in the first line")
    return header


def _records(text: str, delimiter: str, most: int | None = None) -> Iterator[tuple[list[str], int]]:
    """(values, number of the last line) of each row that is not empty, as Python reads them; ends at a fault."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    count = 0
    try:
        for row in reader:
            if row:
                yield row, reader.line_num
                count += 1
            if count == most:
                return
    except csv.Error:
        return


def _parse(path: Path, text: bytes, delimiter: str, width: int, chosen: Sequence[int]) -> pa.Table:
    ragged: list[arrow_csv.InvalidRow] = []

    def remember(row: arrow_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            # Threads would leave out the numbers of ragged rows.
            arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK, autogenerate_column_names=True),
            arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=remember),
            arrow_csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(width)},
                include_columns=[f"f{i}" for i in chosen], strings_can_be_null=False,
            ),
        )  # fmt: skip
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        reason = " ".join(str(error).split())
        remedy = "a row is too long, is a quote left open?" if "straddl" in reason else reason[:200]
        raise InputError(f"{path} cannot be read as CSV: {remedy}") from error
    if ragged:
        raise _ragged(path, text, delimiter, ragged)
    table = table.slice(1)
    if table.num_rows == 0:
        raise InputError(f"{path} has a header and no rows")
    return table


def _spanning(path: Path, text: bytes, delimiter: str, n_rows: int) -> list[str]:
    """A note of lines that are no rows of their own, because they are within quotes.

    Raises:
        InputError: if a quote is not closed, or not closed where a value ends: it may have swallowed rows.
    """
    n_lines = sum(text.count(end) for end in (b"\n", b"\r")) - text.count(b"\r\n") + (text[-1:] not in b"\r\n")
    if n_lines == n_rows + 1 or b'"' not in text:
        return []
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for _ in reader:
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: a quote that opens in line {start} or after is not closed there: {error}") from error
    more = sum(line != b"" for line in text.splitlines()) - n_rows - 1
    return [f"{path}: {more} of its lines go on a row, within quotes"] if more else []


def _ragged(path: Path, text: bytes, delimiter: str, rows: Sequence[arrow_csv.InvalidRow]) -> InputError:
    expected = rows[0].expected_columns
    lines = (line for row, line in _records(text.decode(), delimiter) if len(row) == rows[0].actual_columns)
    line = next(lines, rows[0].number)
    more = f" (and {len(rows) - 1} more such lines)" if len(rows) > 1 else ""
    return InputError(
        f"{path} line {line}: {count_words(rows[0].actual_columns, 'value')} where the header has {expected}{more}: "
        f"mend it, or put quotes around values that hold the delimiter"
    )


def _refuse_one_line(path: Path, text: bytes) -> None:
    start = text[:LONGEST_LINE]
    if len(text) > LONGEST_LINE and b"\n" not in start and b"\r" not in start:
        raise InputError(f"{path} has no line break in its first {LONGEST_LINE >> 20} MB: it is not a table of rows")
