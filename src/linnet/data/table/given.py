"""Tables given in Python, which take the place of files: `data.path` names them by shape and checksum."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linnet.data.table.messages import join_names
from linnet.system.errors import InputError

PREFIX = "python:"
PLACE = "the data given in Python"


@dataclass(frozen=True)
class GivenTable:
    """A table in memory.

    parts: split -> its rows: "train", and perhaps "val" and "test", with the same columns.
    n_features: columns that are neither target nor weight.
    """

    parts: Mapping[str, pa.Table]
    n_features: int

    @cached_property
    def checksum(self) -> str:
        """Return the sha256 of names, types and values of all columns."""
        return hashlib.sha256("".join(map(_checksum, self.parts.values())).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Return what `data.path` is for this table."""
        rows = sum(part.num_rows for part in self.parts.values())
        return f"{PREFIX}{rows}x{self.n_features}:{self.checksum}"


_given: dict[str, list[GivenTable]] = {}
"""Name -> the tables of that name, those of nested blocks last; of this process only."""


@contextmanager
def given(table: GivenTable) -> Iterator[str]:
    """Make a table readable by its name, the value of the block, until the block ends."""
    name = table.name
    _given.setdefault(name, []).append(table)
    try:
        yield name
    finally:
        _given[name].pop()
        if not _given[name]:
            del _given[name]


def is_given(path: object) -> bool:
    """Return whether a value of `data.path` names a table given in Python."""
    return isinstance(path, str) and path.startswith(PREFIX)


def given_table(path: str) -> GivenTable:
    """Return the table of this name.

    Raises:
        InputError: this process was not given it.
    """
    if path in _given:
        return _given[path][-1]
    shape, _, checksum = path.removeprefix(PREFIX).partition(":")
    raise InputError(
        f"trained on arrays given in Python ({shape.replace('x', ' × ', 1)}, checksum {checksum[:12]}), which are not "
        f"kept here: give them again in Python, or train with save_data=True, which keeps them in the run directory"
    )


def place_of(split: str) -> str:
    """Return what messages call the rows of a split."""
    return PLACE if split == "train" else f"the {split} part of {PLACE}"


def row_words(rows: Sequence[int]) -> str:
    """Format row numbers as Python counts them: `row 3 (counted from 0)`."""
    return f"row{'s' if len(rows) != 1 else ''} {join_names(rows)} (counted from 0)"


def _checksum(table: pa.Table) -> str:
    digest = hashlib.sha256(repr([(field.name, str(field.type)) for field in table.schema]).encode())
    digest.update(str(table.num_rows).encode())
    for column in table.columns:
        missing = column.is_null().to_numpy()
        if missing.any():
            digest.update(np.packbits(missing).data)
        for piece in _bytes_of(column):
            digest.update(piece)
    return digest.hexdigest()


def _bytes_of(column: pa.ChunkedArray) -> Iterator[memoryview | bytes]:
    """Yield the bytes of the values, in whatever chunks they come."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        for chunk in column.chunks:
            values = chunk.fill_null(0) if chunk.null_count else chunk
            yield np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).data.cast("B")
    elif pa.types.is_string(kind):
        yield np.ascontiguousarray(pc.fill_null(pc.binary_length(column), 0).to_numpy()).data.cast("B")
        yield "".join(pc.fill_null(column, "").to_pylist()).encode()
    else:
        yield repr(column.to_pylist()).encode()
