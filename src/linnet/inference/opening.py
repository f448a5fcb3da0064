"""Detect the format of an input by its first bytes, and open a reader of it."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linnet.data.storage.array_file import MAGIC, NAMED
from linnet.data.storage.sharded_arrays import PATH_AND_NAME, ShardedArray, find_shards
from linnet.data.storage.whole_arrays import TORCH
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.files import file_format
from linnet.data.table.read import NAMES
from linnet.inference.columnar_table import ColumnarTable
from linnet.inference.rows import Table
from linnet.inference.text import CsvTable
from linnet.system.errors import InputError

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
                yield ColumnarTable(path, kind)


def _array_among_others(given: str) -> ShardedArray:
    """Return the array that `F.npz`, or `F.npz:name`, stands for."""
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
            empty = not text.peek(START)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{path} is truncated or damaged ({error}): get it again") from error
        if empty:
            raise InputError(f"{path} is empty")
        yield text
