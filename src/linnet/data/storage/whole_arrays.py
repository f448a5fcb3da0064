"""Arrays that are read as a whole: columns of Parquet files, and tensors saved by torch."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linnet.system.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET = ".parquet"
TORCH = (".pt", ".pth")
"""Endings of what `torch.save` writes; only torch can read it."""


class Header(NamedTuple):
    """Metadata of an array before its numbers are read."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def names_in(path: Path) -> list[str]:
    """Return the names of the columns, or of the tensors of a dictionary; a tensor alone has none."""
    if path.suffix == PARQUET:
        from pyarrow import parquet

        return list(parquet.read_schema(path).names)
    import torch

    saved = _saved(path)
    return [name for name, value in saved.items() if isinstance(value, torch.Tensor)] if isinstance(saved, dict) else []


def is_named(path: Path) -> bool:
    """Return whether the file's arrays have names; a single tensor has none."""
    return path.suffix == PARQUET or isinstance(_saved(path), dict)


def header(path: Path, name: str | None) -> Header:
    """Return type and shape of a column or tensor.

    Raises:
        InputError: if it holds no numbers, text or lists of equally many numbers.
    """
    if path.suffix != PARQUET:
        array = _tensor(path, name)
        return Header(array.dtype, array.shape)
    from pyarrow import parquet

    assert name is not None
    file = parquet.ParquetFile(path)
    n_rows, first = file.metadata.num_rows, next(file.iter_batches(batch_size=1, columns=[name]), None)
    if first is None:
        return Header(np.dtype("f8"), (0,))
    some = _array(path, name, first.column(name))
    return Header(some.dtype, (n_rows, *some.shape[1:]))


def read_whole(path: Path, name: str | None) -> NDArray[Any]:
    """Return a column `[n]`, a column of lists `[n, D]`, or a tensor.

    Raises:
        InputError: if values are missing, or lists differ in their lengths.
    """
    if path.suffix != PARQUET:
        return _tensor(path, name)
    from pyarrow import parquet

    assert name is not None
    return _array(path, name, parquet.ParquetFile(path).read(columns=[name])[name].combine_chunks())


def _array(path: Path, name: str, column: "pa.Array") -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ChunkedArray):  # combine_chunks of no chunks, or of too much text
        column = pa.concat_arrays(column.chunks)
    _refuse_missing(path, name, column)
    kind, width = column.type, None
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
        width, kind = int(lengths[0]), kind.value_type
        other = np.flatnonzero(lengths != width)
        if len(other):
            raise InputError(
                f"{path}:{name} has {lengths[other[0]]} numbers in row {other[0]} (counted from 0) and {width} in the "
                f"first: expected as many in each"
            )
        column = column.flatten()
        _refuse_missing(path, name, column, width)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (text and width is None) and not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    ):
        raise InputError(f"{path}:{name} holds {kind}: expected numbers, lists of numbers, or text for labels")
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    values = values.astype(str) if text else values
    return values if width is None else values.reshape(-1, width)


def _refuse_missing(path: Path, name: str, column: "pa.Array", width: int = 1) -> None:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0]) // max(width, 1)
        raise InputError(f"{path}:{name} has no value in row {row} (counted from 0): leave out such rows")


def _saved(path: Path) -> Any:
    """Load a torch file with weights_only, so that no code of it runs; memory-mapped where possible."""
    import torch

    for mapped in (True, False):
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as error:
            raise InputError(
                f"{path} holds more than tensors and is not read, since that could run code of the file: save a "
                f"tensor, or a dictionary of tensors, by torch.save"
            ) from error
        except RuntimeError:  # of the older format, which cannot be mapped
            if not mapped:
                raise
    raise AssertionError


def _tensor(path: Path, name: str | None) -> NDArray[Any]:
    import torch

    tensor = _saved(path)
    tensor = tensor if name is None else tensor[name]
    if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided or tensor.is_complex():
        raise InputError(f"{path} holds no dense tensor of numbers: save one by torch.save")
    tensor = tensor.detach()
    array: NDArray[Any] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array
