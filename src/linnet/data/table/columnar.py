"""Read Parquet and Feather (Arrow IPC): typed columns."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from linnet.data.table.messages import join_names
from linnet.data.table.values import plain
from linnet.system.errors import InputError

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
