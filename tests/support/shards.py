"""Arrays in .npy files for tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def write_shards(folder: Path, name: str, array: "np.ndarray[Any, Any]", lengths: Sequence[int]) -> str:
    """Consecutive rows of an array in a file each, and the pattern that names them."""
    assert sum(lengths) == len(array)
    folder.mkdir(parents=True, exist_ok=True)
    for i, part in enumerate(np.split(array, np.cumsum(lengths)[:-1])):
        np.save(folder / f"{name}_{i}.npy", part)
    return str(folder / f"{name}_*.npy")


def write_sparse(path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    """Zeros that take no room on the disk."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + int(np.prod(shape)) * np.dtype(dtype).itemsize)


def classes(n: int, d: int = 20, c: int = 4) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Features `[n, d]` float32 and classes `[n]` uint8 that mostly follow from them."""
    rng = np.random.default_rng(0)
    x = rng.normal(1.0, 3.0, size=(n, d)).astype(np.float32)
    return x, (x @ rng.normal(size=(d, c)) + rng.gumbel(size=(n, c))).argmax(axis=1).astype(np.uint8)
