"""Detect the format of an input by its first bytes, and open a reader of it by chunks of rows."""

import gzip
import io
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from linnet.data.storage.array_file import MAGIC, NAMED
from linnet.data.storage.sharded_arrays import PATH_AND_NAME, ShardedArray, find_shards
from linnet.data.storage.whole_arrays import TORCH
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.files import file_format
from linnet.data.table.read import NAMES
from linnet.inference.rows import Table
from linnet.inference.text import CsvTable
from linnet.system.errors import InputError
from linnet.system.limits import refuse_padding

VALUES = 1 << 20
"""Of all columns that are read at once, and the bytes of Parquet as well; without that, it is a whole row group."""


class ColumnarTable:
    """The rows of a file of typed columns.

    Args:
        path: of the file.
        kind: "parquet" or "arrow".

    Raises:
        InputError: if the file is damaged, has no rows, or has two columns of one name.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self._kind = path, kind
        self.notes: list[str] = []
        with self._intact():
            self._file = _Parquet(path) if kind == "parquet" else _Arrow(path)
        twice = [name for name, count in Counter(self._file.names).items() if count > 1]
        if twice:
            raise InputError(f"{path}: several columns are called {twice[0]}: rename them")
        self.names = tuple(name for name in self._file.names if name and not name.startswith("__index_level_"))

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield these columns in chunks of rows. Raises InputError where the file is damaged, or if it has no rows."""
        n_rows = 0
        with self._intact():
            for batch in self._file.batches(columns):
                batch.validate(full=True)
                n_rows += batch.num_rows
                yield pa.Table.from_batches([batch]).select(columns)
        if n_rows == 0:
            raise InputError(f"{self.path} has no rows")

    @contextmanager
    def _intact(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise InputError(f"{self.path} is a truncated or damaged {NAMES[self._kind]} file: get it again") from error


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.names: list[str] = parquet.read_schema(path).names

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        share = _share(columns)
        with parquet.ParquetFile(
            self._path, page_checksum_verification=True, buffer_size=max(share, 1 << 14), pre_buffer=False
        ) as file:
            yield from file.iter_batches(share, columns=list(columns))


class _Arrow:
    def __init__(self, path: Path) -> None:
        self._path = path
        with pa.OSFile(str(path)) as file:
            self.names: list[str] = pa.ipc.open_file(file).schema.names

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        options = pa.ipc.IpcReadOptions(included_fields=sorted(self.names.index(name) for name in columns))
        with pa.OSFile(str(self._path)) as file:
            reader = pa.ipc.open_file(file, options=options)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                share = _share(columns)
                for start in range(0, batch.num_rows, share):
                    yield batch.slice(start, share)


def _share(columns: Sequence[str]) -> int:
    """Return the share of one column."""
    return max(1, VALUES // len(columns))


STANDARD = "-"
GZIP = b"\x1f\x8b"
START = 16


@contextmanager
def opened(given: str, csv_format: CsvFormat) -> Iterator[Table | ShardedArray]:
    """Open a table, or the rows of an array.

    Args:
        given: path, or "-" for CSV on standard input.
        csv_format: of CSV, how to read it.

    Raises:
        InputError: if there is no such file, or it is neither.
    """
    if given == STANDARD:
        path = Path("standard input")
        with _uncompressed(path, sys.stdin.buffer) as text:
            if file_format(path, text.peek(START)[:START]) != "text":
                raise InputError(f"{path} takes CSV only: give the file itself by --input")
            yield CsvTable(path, text, csv_format)
        return
    path = Path(given).expanduser()
    if PATH_AND_NAME.fullmatch(given) or path.suffix in (*NAMED, *TORCH):
        yield _array_among_others(given)
        return
    if not path.exists():
        raise InputError(f"--input={given}: no such file (looked from {Path.cwd()})")
    if path.is_dir():
        raise InputError(f"--input={given}: is a directory, name one file")
    try:
        whole = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    with whole as file:
        if file.peek(START).startswith(MAGIC):
            _require_regular(path)
            yield find_shards("--input", given)
            return
        with _uncompressed(path, file) as text:
            if path.suffix == ".npy":
                raise InputError(f"{path} is not an .npy file: write it with numpy.save")
            kind = file_format(path, text.peek(START)[:START])
            if kind != "text" and text is not file:
                raise InputError(f"{path} is {NAMES[kind]} compressed by gzip: unpack it")
            if kind == "text":
                yield CsvTable(path, text, csv_format)
            else:
                _require_regular(path)
                yield ColumnarTable(path, kind)


def _require_regular(path: Path) -> None:
    """Raise InputError for a pipe or a device; its content can be read once only, and not from its end."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is a pipe or a device, from which only CSV can be read: name a file")


def _array_among_others(given: str) -> ShardedArray:
    """Return the array that `F.npz`, or `F.npz:name`, stands for."""
    named = PATH_AND_NAME.fullmatch(given)
    _require_regular(Path(named[1] if named else given).expanduser())
    shards = find_shards("--input", given)
    for file in shards.files:
        if file.offset is None and file.path.suffix in NAMED:
            raise InputError(f"{file} is compressed and cannot be read in parts: write it by numpy.savez or numpy.save")
    return shards


@contextmanager
def _uncompressed(path: Path, file: Any) -> "Iterator[io.BufferedReader[Any]]":
    """Open the file without the compression of gzip, whatever its name."""
    start = file.peek(START)[:START]
    if not start:
        raise InputError(f"{path} is empty")
    if not start.startswith(GZIP):
        if path.suffix == ".gz":
            raise InputError(f"{path} is not compressed by gzip: rename it, or get it again")
        yield file
        return
    with gzip.GzipFile(fileobj=file) as unpacked, io.BufferedReader(unpacked) as text:
        try:
            refuse_padding(file)
            empty = not text.peek(START)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path} is truncated or damaged ({error}): get it again") from error
        if empty:
            raise InputError(f"{path} is empty")
        yield text
