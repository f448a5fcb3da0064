"""Arrays in .npy files for tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import linnet
from linnet.data import Source, arrays
from linnet.results.trained import TrainedRun

N = 30_000
LENGTHS = (14_000, 999, 15_001)
QUICK = ("data=arrays", "figures=false", "trainer.max_epochs=2", "data.batch_size=100", "threads=1")


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


def source(x: Path | str, y: Path | str, **options: Any) -> Source:
    """What `data=arrays` makes of these files, in memory unless said otherwise."""
    given = dict.fromkeys(("x_val", "y_val", "x_test", "y_test")) | {
        "max_memory_mb": 256, "normalize": "none", "dtype": "float32", "seed": 0,
    }  # fmt: skip
    return arrays(x=str(x), y=str(y), **{**given, **options})


def write_all(folder: Path) -> dict[str, str]:
    """Patterns of shards of 30000 rows, 2.3 MiB: x `[N, 20]`, classes y that mostly follow from it, numbers t."""
    x, y = classes(N)
    target = (x[:, :2] @ np.array([[2.0], [-1.0]]) + 3).astype(np.float32)
    return {name: write_shards(folder, name, array, LENGTHS) for name, array in (("x", x), ("y", y), ("t", target))}


def train(directory: Path, files: dict[str, str], *overrides: str, y: str = "y") -> TrainedRun:
    """A run of two epochs on what `write_all` wrote."""
    given = [*QUICK, f"data.x='{files['x']}'", f"data.y='{files[y]}'", f"hydra.run.dir={directory}"]
    return linnet.train([*given, *overrides])
