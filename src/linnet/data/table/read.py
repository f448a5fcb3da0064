"""Read CSV, Parquet and Feather (Arrow IPC) files into one table that knows the file and row number of each row."""

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from linnet.data.given import is_given, place_of, require_given
from linnet.data.table.delimited import CsvFormat, read_delimited
from linnet.data.table.files import expand, file_format, read_bytes, unpack
from linnet.data.table.given import GivenMatrix, GivenTable, row_words as given_row_words
from linnet.data.table.messages import RowLocator, join_names, row_words
from linnet.data.table.values import plain
from linnet.system.errors import InputError

CSV = CsvFormat()
Stamp = tuple[Path, int, int]


@dataclass(frozen=True)
class Rows:
    """The rows of one or several files, one after the other.

    table: the columns that all files have.
    files: in their order.
    starts: index of each file's first row.
    notes: what was found out about the files.
    checksum: sha256 of the file; of several, that of their checksums.
    in_python: whether they were given in Python, where rows count from 0.
    """

    table: pa.Table
    files: tuple[Path, ...]
    starts: tuple[int, ...]
    notes: tuple[str, ...]
    checksum: str
    in_python: bool = False

    def where(self, rows: Sequence[int]) -> str:
        """Format the location of rows: `rows 3, 4 of a.csv`, for one file at most."""
        first = bisect_right(self.starts, rows[0]) - 1
        end = [*self.starts, self.table.num_rows][first + 1]
        here = [row - self.starts[first] for row in rows if self.starts[first] <= row < end]
        more = f" and {len(rows) - len(here)} in other files" if len(here) < len(rows) else ""
        words = given_row_words if self.in_python else row_words
        return f"{words(here)} of {self.files[first]}{more}"


def read(key: str, given: str | Sequence[str], csv_format: CsvFormat = CSV, only: Sequence[str] | None = None) -> Rows:
    """Read files of one schema.

    Args:
        key: the configuration key that names the files.
        given: path, pattern, or a list of these.
        csv_format: of CSV, how to read it.
        only: columns to keep; None, or if there are none such: all.

    Raises:
        InputError: naming the file, if one cannot be read, is empty or damaged, or differs from the first in its
            columns.
    """
    if is_given(given):
        return read_given(str(given), ("train",), only)["train"]
    paths = expand(key, given)
    stats = [path.stat() for path in paths]
    stamps = tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in zip(paths, stats, strict=True))
    return _read(stamps, csv_format, None if only is None else tuple(only))


def read_given(path: str, splits: Sequence[str] | None = None, only: Sequence[str] | None = None) -> dict[str, Rows]:
    """Return split -> the rows of a table given in Python.

    Args:
        path: its name.
        splits: those to return; None: all.
        only: columns to keep; None: all.

    Raises:
        InputError: it is not there, or the splits differ in their columns.
    """
    table = require_given(path)
    assert isinstance(table, GivenTable)
    found, first = {}, table.selected("train", only)
    for split in table.splits if splits is None else splits:
        place = Path(place_of(split))
        rows = first
        if split != "train":
            rows = _like_the_first(first, table.selected(split, only), Path(place_of("train")), place)
        found[split] = Rows(rows, (place,), (0,), (), table.checksum, in_python=True)
    return found


def read_given_splits(path: str, test_path: object, split_column: str | None) -> tuple[Rows, NDArray[np.str_] | None]:
    """Return the rows of a table given in Python, and the split of each where there is more than one.

    Raises:
        InputError: files or a column say which rows are in which split, too.
    """
    if test_path is not None:
        raise InputError("data.test_path names files, and the data was given in Python: give test=(X, y)")
    parts = read_given(path)
    if len(parts) == 1:
        return parts["train"], None
    if split_column is not None:
        raise InputError("data.split_column names the splits already: leave out val and test, or that")
    splits = np.concatenate([np.full(rows.table.num_rows, split) for split, rows in parts.items()])
    return reduce(concatenate, parts.values()), splits


def given_where(table: GivenMatrix) -> tuple[RowLocator, tuple[Path, ...]]:
    """Return what says where rows of all splits of a matrix are, and what stands for the files."""
    places = tuple(Path(place_of(split)) for split in table.splits)
    lengths = [len(x) for x in table.matrices.values()]
    starts = tuple(sum(lengths[:i]) for i in range(len(lengths)))
    rows = Rows(pa.table({"rows": np.empty(sum(lengths), np.bool_)}), places, starts, (), "", in_python=True)
    return rows.where, places


@lru_cache(maxsize=4)
def _read(stamps: tuple[Stamp, ...], csv_format: CsvFormat, only: tuple[str, ...] | None) -> Rows:
    """Read the files (path, time of change, size), cached for all jobs of a sweep; never modify the result."""
    tables: list[pa.Table] = []
    notes: list[str] = []
    digests, formats = [], []
    for path, _, _ in stamps:
        content = read_bytes(path)
        digests.append(hashlib.sha256(content).hexdigest())
        content = unpack(path, content)
        formats.append(file_format(path, content))
        if formats[-1] != formats[0]:
            raise InputError(f"{stamps[0][0]} and {path} are of different formats: give files of one format")
        if formats[-1] == "text":
            table, said = read_delimited(path, content, csv_format, only)
        else:
            table, said = read_columnar(path, content, formats[-1], only)
        tables.append(table if not tables else _like_the_first(tables[0], table, stamps[0][0], path))
        notes += said
    starts = [0]
    for table in tables[:-1]:
        starts.append(starts[-1] + table.num_rows)
    whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    paths = tuple(path for path, _, _ in stamps)
    return Rows(_joined(tables), paths, tuple(starts), tuple(dict.fromkeys(notes)), whole)


def concatenate(first: Rows, second: Rows) -> Rows:
    """Concatenate the rows of both. Raises InputError if a file is in both, or their columns differ."""
    twice = {path.resolve() for path in first.files} & {path.resolve() for path in second.files}
    if twice:
        raise InputError(
            f"data.test_path: {join_names(twice)} is in data.path too: the model would be tested on what it saw"
        )
    table = _like_the_first(first.table, second.table, first.files[0], second.files[0])
    return Rows(
        _joined([first.table, table]), first.files + second.files,
        first.starts + tuple(first.table.num_rows + start for start in second.starts), first.notes + second.notes,
        first.checksum if first.in_python else hashlib.sha256((first.checksum + second.checksum).encode()).hexdigest(),
        first.in_python,
    )  # fmt: skip


def _like_the_first(first: pa.Table, table: pa.Table, first_path: Path, path: Path) -> pa.Table:
    """Return the table with the columns in the order and of the types of the first."""
    names, found = first.column_names, table.column_names
    known, here = set(names), set(found)
    missing, extra = [name for name in names if name not in here], [name for name in found if name not in known]
    if missing or extra:
        parts = [f"{word} {join_names(names)}" for word, names in (("lacks", missing), ("has also", extra)) if names]
        raise InputError(f"{path} {' and '.join(parts)}, unlike {first_path}: all must have the same columns")
    table = table.select(names)
    for field, wanted in zip(table.schema, first.schema, strict=True):
        if _family(field.type) != _family(wanted.type) and pa.null() not in (field.type, wanted.type):
            raise InputError(
                f"{path}: column {field.name} is {field.type}, but {wanted.type} in {first_path}: all must have the "
                f"same columns"
            )
    return table


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables; integer columns become floating point if one file has such values."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise InputError(f"the files do not fit together: {' '.join(str(error).split())}") from error


def _family(kind: pa.DataType) -> str:
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return "number" if numeric else str(kind)


NAMES = {"parquet": "Parquet", "arrow": "Feather (Arrow IPC)"}


def read_columnar(
    path: Path, content: bytes, kind: str, only: Sequence[str] | None = None
) -> tuple[pa.Table, list[str]]:
    """Read the table in a Parquet or Arrow file; return it with notes on the file.

    Args:
        path: for the messages.
        content: of the file.
        kind: "parquet" or "arrow".
        only: columns to keep; None, or if there are none such: all.

    Raises:
        InputError: if the file is truncated or damaged, has no rows, or names two columns alike.
    """
    buffer = pa.BufferReader(content)
    try:
        table = (
            parquet.ParquetFile(buffer, page_checksum_verification=True).read()
            if kind == "parquet"
            else pa.ipc.open_file(buffer).read_all()
        )
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise InputError(f"{path} is a truncated or damaged {NAMES[kind]} file: get it again") from error
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise InputError(f"{path}: several columns are called {twice[0]}: rename them")
    if table.num_rows == 0:
        raise InputError(f"{path} has no rows")
    index = [name for name in table.column_names if not name or name.startswith("__index_level_")]
    notes = [f"{path}: column {join_names(index)} is an index, left out"] if index else []
    named = [name for name in table.column_names if name not in index]
    kept = [name for name in named if only is None or name in only] or named
    return pa.table({name: plain(table[name]) for name in kept}), notes
