"""Parquet and Feather (Arrow IPC) files, read in chunks of rows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from linnet.data.table.read import NAMES
from linnet.system.errors import InputError

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
