"""Convert arrays, tensors and data frames to Arrow tables. Imports no library that the data do not come from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.table.values import plain
from linnet.system.errors import InputError

KINDS = "a NumPy array, a tensor, a data frame (pandas, polars, Arrow, …)"


def as_numpy(values: Any) -> NDArray[Any] | None:
    """Return an array, a tensor or a nested list as an array of numpy; None for anything else."""
    if isinstance(values, np.ndarray):
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    if type(values).__module__.partition(".")[0] == "torch":
        tensor = values.detach().cpu()
        return np.asarray(tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor.numpy())
    if isinstance(values, (list, tuple)):
        try:
            return np.asarray(values)
        except ValueError as error:
            raise InputError("the rows of a list have different lengths") from error
    return None


def frame(name: str, values: Any) -> pa.Table | None:
    """Return a data frame as an Arrow table; None if it is none.

    Args:
        name: of the argument, for messages.
        values: an object with the Arrow C stream or the dataframe interchange protocol, or a dictionary of columns.

    Raises:
        InputError: two columns have one name, or a column mixes types.
    """
    module = type(values).__module__.partition(".")[0]
    try:
        if module == "pandas" and hasattr(values, "columns"):
            values = values.set_axis([str(column) for column in values.columns], axis=1)
            table = pa.Table.from_pandas(values, preserve_index=False)
        elif isinstance(values, pa.RecordBatch):
            table = pa.Table.from_batches([values])
        elif isinstance(values, pa.Table):
            table = values
        elif isinstance(values, Mapping) or (hasattr(values, "__arrow_c_stream__") and hasattr(values, "columns")):
            table = pa.table(dict(values) if isinstance(values, Mapping) else values)
        elif hasattr(values, "__dataframe__"):
            table = pa.interchange.from_dataframe(values)
        else:
            return None
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(f"{name}: {' '.join(str(error).split())}") from error
    twice = [column for column, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise InputError(f"{name}: several columns are called {twice[0]}: rename them")
    return table


def features(name: str, values: Any) -> pa.Table:
    """Return features as a table: a frame by its names, an array `[n, D]` as columns x0, x1 and so on.

    Raises:
        InputError: it is no frame and no array of rows.
    """
    if hasattr(values, "tocsr"):
        raise InputError(f"{name} is sparse, which is not supported here: give {name}.toarray()")
    table = frame(name, values)
    if table is not None:
        return table
    array = as_numpy(values)
    if array is None:
        remedy = ": collect() it first" if hasattr(values, "collect") else ""
        raise InputError(f"{name} is of type {type(values).__name__}, expected {KINDS}{remedy}")
    if array.ndim == 2 and array.shape[1] == 0:
        raise InputError(f"{name} has shape {list(array.shape)}, and so no features")
    if array.ndim != 2:
        remedy = f": of a single feature give {name}[:, None]" if array.ndim == 1 else ""
        raise InputError(f"{name} has shape {list(array.shape)}, expected [n, D]{remedy}")
    return pa.table({f"x{i}": column(f"{name}[:, {i}]", array[:, i]) for i in range(array.shape[1])})


def matrix(x: Any, y: Any) -> tuple[tuple[str, ...], NDArray[Any]] | None:
    """Return names and values `[n, D]` of features that are all numbers; None if they are not, or no features at all.

    Args:
        x: features.
        y: targets, or the name of the frame's column that is none of the features.
    """
    array = as_numpy(x)
    if array is not None:
        fits = array.ndim == 2 and array.dtype.kind in "fiu" and array.size > 0 and not isinstance(y, str)
        return (tuple(f"x{i}" for i in range(array.shape[1])), array) if fits else None
    table = None if hasattr(x, "tocsr") else frame("X", x)
    if table is None or table.num_rows == 0:
        return None
    names = tuple(name for name in table.column_names if not isinstance(y, str) or name != y)
    kinds = [table.schema.field(name).type for name in names]
    if not names or not all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return None
    if any(table[name].null_count for name in names):
        return None
    return names, np.array([table[name].to_numpy() for name in names]).T


def column(name: str, values: Any) -> pa.ChunkedArray:
    """Return a column `[n]` or `[n, 1]` of any of these types.

    Raises:
        InputError: it has more columns, or values of several types.
    """
    table = frame(name, values)
    if table is not None:
        if table.num_columns != 1:
            raise InputError(f"{name} has {table.num_columns} columns, expected one")
        return table.column(0)
    try:
        if isinstance(values, pa.ChunkedArray):
            return values
        if hasattr(values, "__arrow_c_stream__"):
            return pa.chunked_array(values)
        if type(values).__module__.partition(".")[0] == "pandas":
            return pa.chunked_array([pa.Array.from_pandas(values)])
        if isinstance(values, pa.Array):
            return pa.chunked_array([values])
        array = as_numpy(values)
        if array is None:
            raise InputError(f"{name} is of type {type(values).__name__}, expected an array, a list or a column")
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise InputError(f"{name} has shape {list(array.shape)}, expected [n] or [n, 1]")
        return pa.chunked_array([_array(name, array)])
    except (pa.ArrowException, TypeError) as error:
        raise InputError(f"{name}: {' '.join(str(error).split())}") from error


def _array(name: str, values: NDArray[Any]) -> pa.Array:
    kind = values.dtype.kind
    if kind == "c":
        raise InputError(f"{name} holds complex numbers, expected real ones")
    if kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float32 if values.dtype.itemsize == 2 else np.float64)
    if kind == "S":
        values = np.char.decode(values, "utf-8")
    return pa.array(values.tolist() if kind == "O" else np.ascontiguousarray(values))


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """Return a name that no other column has: the wanted one, with underscores after it if need be."""
    while wanted in taken:
        wanted += "_"
    return wanted


def combine(table: pa.Table, more: Mapping[str, pa.ChunkedArray]) -> pa.Table:
    """Return the columns of a table and further ones, texts in one type."""
    found = {name: table[name] for name in table.column_names} | dict(more)
    return pa.table({name: plain(_decoded(values)) for name, values in found.items()})


def _decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return categories as their texts, where Arrow's own cast does not know the type of these."""
    if not (pa.types.is_dictionary(values.type) and pa.types.is_string_view(values.type.value_type)):
        return values
    chunks = [chunk.dictionary.cast(pa.string()).take(chunk.indices) for chunk in values.chunks]
    return pa.chunked_array(chunks, pa.string())


def numeric_categories(table: pa.Table, names: Sequence[str]) -> list[str]:
    """Return the columns among these that are categories by their type and whose categories are numbers."""
    kinds = {name: table.schema.field(name).type for name in names}
    return [
        name for name, kind in kinds.items() if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type)
        and not pa.types.is_large_string(kind.value_type) and not pa.types.is_string_view(kind.value_type)
    ]  # fmt: skip


def same_length(name: str, n_rows: int, others: Mapping[str, int]) -> None:
    """Raise InputError unless all have as many rows as the features, which are called by this name."""
    if n_rows == 0:
        raise InputError(f"{name} has no rows")
    for other, count in others.items():
        if count != n_rows:
            raise InputError(f"{name} has {n_rows} rows and {other} {count}: they must have as many")
