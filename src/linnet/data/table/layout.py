"""Layout of a CSV file: delimiter and columns."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from linnet.data.table.encoding import SAMPLE
from linnet.data.table.messages import MOST, join_names
from linnet.system.errors import InputError

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
WORDS = {sign: f"a {name}" for name, sign in DELIMITERS.items()}
SAMPLE_ROWS = 50
LONGEST_LINE = 1 << 20


class Layout(NamedTuple):
    """The columns of a CSV file.

    header: their names, "" where there is none.
    notes: what was found out about the file.
    """

    delimiter: str
    header: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def named(self) -> tuple[str, ...]:
        return tuple(name for name in self.header if name)

    def chosen(self, only: Sequence[str] | None) -> list[int]:
        """Return the indices of the columns to keep; all named ones if `only` is None or matches none."""
        named = [i for i, name in enumerate(self.header) if name]
        return [i for i in named if only is None or self.header[i] in only] or named


def find_layout(
    path: Path, text: bytes, delimiter: str | None, option: str = "data.delimiter", least: int = 2
) -> Layout:
    """Detect the layout of a file.

    Args:
        path: for the messages.
        text: the beginning of the file, or all of it, in UTF-8.
        delimiter: one character, or the name of one of `DELIMITERS`; None: found out, one of these.
        option: what the delimiter is given by.
        least: columns that there must be.

    Raises:
        InputError: if there is no line break, no header, too few columns, or two of one name.
    """
    start = text[:LONGEST_LINE]
    if len(text) > LONGEST_LINE and b"\n" not in start and b"\r" not in start:
        raise InputError(f"{path} has no line break in its first {LONGEST_LINE >> 20} MB: it is not a table of rows")
    notes = []
    delimiter = DELIMITERS.get(delimiter or "", delimiter)
    if delimiter is None:
        delimiter = _detect(text)
        notes += [] if delimiter == "," else [f"{path}: columns are separated by {WORDS[delimiter]}"]
    header = _header(path, text, delimiter, option, least)
    if not all(header):
        notes += [_nameless(path, text, delimiter, i) for i, name in enumerate(header) if not name][:MOST]
    return Layout(delimiter, tuple(header), tuple(notes))


def _sample(text: bytes) -> str:
    """Return the first whole lines."""
    sample = text[:SAMPLE].decode("utf-8", "ignore")
    return sample if len(text) <= SAMPLE else sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1]


def _nameless(path: Path, text: bytes, delimiter: str, place: int) -> str:
    """Return the message on a column without a name: whether it counts the rows, like an index."""
    rows = [row for row, _ in records(_sample(text), delimiter, SAMPLE_ROWS)][1:]
    values = [row[place].strip() for row in rows if len(row) > place]
    numbers = [int(value) for value in values if value.isdecimal()]
    where = f"{path}: column {place + 1} has no name"
    if numbers and len(numbers) == len(values) and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{where} and is an index ({join_names(values, 3)}), left out"
    if not any(values):
        return f"{where} and no values, left out"
    example = " ".join(next(value for value in values if value)[:40].splitlines())
    return f"{where}, left out: it is no index ('{example}'), name it in the first line to use it"


def _detect(text: bytes) -> str:
    """Return the delimiter by which the first rows have as many values as the header, and the most values."""
    sample = _sample(text)
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS.values():
        lengths = [len(row) for row, _ in records(sample, delimiter, SAMPLE_ROWS)]
        if lengths and lengths[0] > 1:
            score = lengths.count(lengths[0]) / len(lengths), lengths[0]
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _header(path: Path, text: bytes, delimiter: str, option: str, least: int) -> list[str]:
    """Return the names of the columns, "" where there is none."""
    first = next(records(text[:LONGEST_LINE].decode("utf-8", "ignore"), delimiter, 1), ([], 0))[0]
    header = [name.strip() for name in first]
    if not any(header):
        raise InputError(f"{path} has no header: its first line must name the columns")
    if len(header) < least:
        raise InputError(
            f"{path} has one column only, '{header[0][:60]}': is the delimiter another than {WORDS[delimiter]}? Give "
            f"{option}"
            if delimiter in WORDS
            else f"{path} has one column only when separated by '{delimiter}', '{header[0][:60]}': leave out "
            f"{option}, or give another"
        )
    twice = [name for name, count in Counter(header).items() if name and count > 1]
    if twice:
        numbers = join_names(i + 1 for i, name in enumerate(header) if name == twice[0])
        raise InputError(f"{path}: columns {numbers} are all called {twice[0]}: rename them in the first line")
    return header


def records(text: str, delimiter: str, most: int | None = None) -> Iterator[tuple[list[str], int]]:
    """Yield (values, number of the last line) of each non-empty row, read by Python's csv; end at an error."""
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
