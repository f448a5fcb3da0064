"""Data given in Python that a run keeps in its directory: the folder `data`, Arrow files or arrays of numpy."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from linnet.data.given import SPLITS, TABLE_SUFFIX, Given, find_given, given, given_name
from linnet.data.sources.given_arrays import KEYS, SUFFIX as ARRAY, GivenArrays
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.reading import TENSOR_LIMIT, read_bytes
from linnet.system.writing import own_folder

FOLDER = "data"
DAMAGED = (
    OSError, EOFError, LookupError, TypeError, AttributeError, ValueError, NotImplementedError, MemoryError,
)  # fmt: skip
"""What reading a damaged file raises, NotImplementedError where pyarrow does not know the format."""


def save_given(run: Path, data: Given) -> None:
    """Write data given in Python into a run directory."""
    folder = own_folder(run, FOLDER)
    for name, content in data.files():
        write_atomic(folder / name, content)


@contextmanager
def readable_again(run: Path, options: Mapping[str, Any]) -> Iterator[None]:
    """Make the data that a run has kept readable inside the block, if there is any and it is needed.

    Args:
        run: its directory. The files are untrusted; they are what the configuration names only with its checksum.
        options: `data` of the run's configuration.

    Raises:
        InputError: a file is damaged, or is not what the run began with.
    """
    name = given_name(options)
    folder = run / FOLDER
    if name is None or find_given(name) is not None or not folder.is_dir():
        yield
        return
    try:
        data: Given = _tables(folder, run) if (folder / f"train{TABLE_SUFFIX}").exists() else _arrays(folder, run)
        fits = data.name == name
    except DAMAGED as error:
        raise InputError(f"{folder} is damaged: {' '.join(str(error).split())}") from error
    if not fits:
        raise InputError(f"{folder} is not what the run began with (its checksum is {data.checksum[:12]}): put it back")
    with given(data):
        yield


def _tables(folder: Path, run: Path) -> Given:
    import pyarrow as pa  # which runs on other data do without

    from linnet.data.table.arrow_bytes import read_uncompressed
    from linnet.data.table.given import MATRIX, GivenMatrix, GivenTable

    parts = {}
    try:
        for split in SPLITS:
            file = folder / f"{split}{TABLE_SUFFIX}"
            if file.exists():
                parts[split] = read_uncompressed(read_bytes(file, run, TENSOR_LIMIT))
        table = GivenTable.of_files(parts)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    if not (folder / f"train{MATRIX}").exists():
        return table
    return GivenMatrix.of_matrices(table, {split: _array(folder / f"{split}{MATRIX}", run) for split in parts})


def _arrays(folder: Path, run: Path) -> GivenArrays:
    arrays = {}
    for key in KEYS:
        file = folder / f"{key}{ARRAY}"
        if file.exists():
            arrays[key] = _array(file, run)
    return GivenArrays.of_files(arrays)


def _array(file: Path, run: Path) -> Any:
    return np.load(io.BytesIO(read_bytes(file, run, TENSOR_LIMIT)), allow_pickle=False)
