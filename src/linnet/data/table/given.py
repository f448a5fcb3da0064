"""Tables given in Python."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.given import TABLE_SUFFIX, Given
from linnet.data.table.messages import join_names

MATRIX = ".npy"
FEATURES = b"linnet.features"
"""Key of the names of the features in the metadata of a file."""


@dataclass(frozen=True)
class GivenTable(Given):
    """A table in memory.

    parts: split -> its rows: "train", and perhaps "val" and "test", with the same columns.
    names: of the columns that are neither target nor weight.
    """

    parts: Mapping[str, pa.Table]
    names: tuple[str, ...] = ()
    save: bool = False

    def selected(self, split: str, only: Sequence[str] | None) -> pa.Table:
        """Return the rows of a split, perhaps with these columns only."""
        part = self.parts[split]
        return part if only is None else part.select([name for name in part.column_names if name in only])

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.parts)

    @property
    def n_rows(self) -> int:
        return sum(part.num_rows for part in self.parts.values())

    @property
    def n_features(self) -> int:
        return len(self.names)

    @cached_property
    def checksum(self) -> str:
        """Return the sha256 of names, types and values of all columns, in whatever chunks they come."""
        return hashlib.sha256("".join(map(_checksum, self.parts.values())).encode()).hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        for split, part in self.parts.items():
            buffer = pa.BufferOutputStream()
            part = part.replace_schema_metadata({FEATURES: json.dumps(self.names)})
            with pa.ipc.new_file(buffer, part.schema) as file:
                file.write_table(part)
            yield f"{split}{TABLE_SUFFIX}", buffer.getvalue().to_pybytes()

    @classmethod
    def of_files(cls, parts: Mapping[str, pa.Table]) -> "GivenTable":
        """Return the table of these splits, as `files` yields them. Raises KeyError, ValueError for others."""
        names = json.loads((parts["train"].schema.metadata or {})[FEATURES])
        plain = {split: part.replace_schema_metadata(None) for split, part in parts.items()}
        return cls(plain, tuple(map(str, names)))


class GivenMatrix(GivenTable):
    """A table whose features are a matrix of numbers; it becomes columns where these are asked for.

    Args:
        matrices: split -> features `[n, D]`.
        others: split -> the other columns, target and weight.
        names: of the D features.
        save: as of `Given`.
    """

    def __init__(
        self, matrices: Mapping[str, NDArray[Any]], others: Mapping[str, Mapping[str, pa.ChunkedArray]],
        names: tuple[str, ...], save: bool = False,
    ) -> None:  # fmt: skip
        vars(self).update(matrices=matrices, others=others, names=names, save=save)  # past the base, which is frozen

    matrices: Mapping[str, NDArray[Any]]
    others: Mapping[str, Mapping[str, pa.ChunkedArray]]

    @cached_property
    def parts(self) -> Mapping[str, pa.Table]:
        return {split: self.selected(split, None) for split in self.matrices}

    def selected(self, split: str, only: Sequence[str] | None) -> pa.Table:
        x, others = self.matrices[split], self.others[split]
        columns: dict[str, Any] = {}
        for i, name in enumerate(self.names):
            if only is None or name in only:
                columns[name] = np.ascontiguousarray(x[:, i])
        return pa.table(columns | {name: some for name, some in others.items() if only is None or name in only})

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.matrices)

    @property
    def n_rows(self) -> int:
        return sum(map(len, self.matrices.values()))

    @cached_property
    def checksum(self) -> str:
        digest = hashlib.sha256(repr(self.names).encode())
        for split, x in self.matrices.items():
            digest.update(repr((split, x.dtype.str, x.shape)).encode())
            digest.update(np.ascontiguousarray(x).data.cast("B"))
            digest.update(_checksum(pa.table(dict(self.others[split]))).encode())
        return digest.hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        rest = {split: pa.table(dict(others)) for split, others in self.others.items()}
        yield from GivenTable(rest, self.names).files()
        for split, x in self.matrices.items():
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(x), allow_pickle=False)
            yield f"{split}{MATRIX}", buffer.getvalue()

    @classmethod
    def of_matrices(cls, table: GivenTable, matrices: Mapping[str, NDArray[Any]]) -> "GivenMatrix":
        """Return the data of a table of the other columns, as `files` writes it, and the matrices."""
        others = {split: dict(zip(part.column_names, part.columns, strict=True)) for split, part in table.parts.items()}
        return cls(matrices, others, table.names)


def row_words(rows: Sequence[int]) -> str:
    """Format row numbers as Python counts them: `row 3 (counted from 0)`."""
    return f"row{'s' if len(rows) != 1 else ''} {join_names(rows)} (counted from 0)"


def _checksum(table: pa.Table) -> str:
    digest = hashlib.sha256(repr([(field.name, str(field.type)) for field in table.schema]).encode())
    digest.update(str(table.num_rows).encode())
    for column in table.columns:
        if column.null_count:
            digest.update(np.packbits(column.is_null().to_numpy()).data)
        for piece in _bytes_of(column):
            digest.update(piece)
    return digest.hexdigest()


def _bytes_of(column: pa.ChunkedArray) -> Iterator[memoryview | bytes]:
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
