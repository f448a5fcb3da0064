"""Arrays in several files, concatenated and read in ranges of rows."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linnet.data.storage.array_file import File, open_array
from linnet.system.errors import InputError

PATH_AND_NAME = re.compile(r"(.+\.(?:npz|safetensors|parquet|pth?)):(.+)")


@dataclass(frozen=True)
class ShardedArray:
    """The rows of arrays in some files.

    key: that names them in the configuration, for messages.
    files: one or more, whose arrays differ in their numbers of rows at most.
    """

    key: str
    files: tuple[File, ...]

    @property
    def starts(self) -> list[int]:
        """The row at which each file begins, and the number of all rows."""
        return list(accumulate((file.shape[0] for file in self.files), initial=0))

    def __len__(self) -> int:
        return self.starts[-1]

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self.files[0].shape[1:]

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return prod(self.row_shape)

    @property
    def kinds(self) -> set[str]:
        """Kinds of numbers, in numpy's letters: f for floating point, i, u and b for integers."""
        return {file.dtype.kind for file in self.files}

    def locate(self, row: int) -> tuple[int, int]:
        """Return (index of the file, row in it)."""
        starts = self.starts
        number = bisect_right(starts, row) - 1
        return number, row - starts[number]

    def pieces(self, start: int, count: int) -> Iterator[NDArray[Any]]:
        """Yield rows from `start` on, unconverted, one piece per file."""
        number, first = self.locate(start)
        while count > 0:
            rows = self.files[number].rows(first, min(first + count, self.files[number].shape[0]))
            yield rows
            count, number, first = count - len(rows), number + 1, 0

    def read(self, start: int, out: NDArray[Any]) -> None:
        """Fill out `[n, width]` with the rows from `start` on, converted to its dtype."""
        number, first = self.locate(start)
        done = 0
        while done < len(out):
            count = min(len(out) - done, self.files[number].shape[0] - first)
            rows = self.files[number].rows(first, first + count).reshape(count, -1)
            with np.errstate(over="ignore"):  # what becomes infinite is found by who asks for finite numbers
                np.copyto(out[done : done + count], rows, casting="unsafe")
            done, number, first = done + count, number + 1, 0


def find_shards(key: str, pattern: str, text: bool = False) -> ShardedArray:
    """Open the arrays in the files that match a path or pattern, in the order of the files' names.

    Args:
        key: that names them in the configuration.
        pattern: of .npy files, or of .npz, .safetensors, .parquet or .pt files, after which `:name` may say which array
            or column of each.
        text: whether they may hold text, as labels do.

    Raises:
        InputError: if there are none, one cannot be read or holds no numbers, or their rows are not alike.
    """
    named = PATH_AND_NAME.fullmatch(pattern)
    files, name = named.groups() if named and not Path(pattern).is_file() else (pattern, None)
    paths = _paths(files)
    if not paths:
        what = "no file has such a name" if any(letter in pattern for letter in "*?[") else "no such file"
        raise InputError(
            f"{key}={pattern}: {what}, give an .npy, .npz, .safetensors, .parquet or .pt file or a pattern such as "
            f"'data/x_*.npy'"
        )
    found = tuple(open_array(key, path, name) for path in paths)
    for file in found:
        if file.dtype.kind in "US" and not text:
            raise InputError(f"{file} holds {file.dtype}: expected numbers, such as float32 or uint8")
        if file.shape[1:] != found[0].shape[1:]:
            raise InputError(
                f"{file} has rows of shape {list(file.shape[1:])}, but {found[0]} of "
                f"{list(found[0].shape[1:])}: shards of one array have equal rows"
            )
    return ShardedArray(key, found)


def _paths(pattern: str) -> list[Path]:
    whole = Path(pattern).expanduser()
    folder = Path(whole.anchor)
    found = [whole] if whole.is_file() else sorted(folder.glob(str(whole.relative_to(folder))))
    return [path for path in found if path.is_file()]


def same_lengths(x: ShardedArray, y: ShardedArray) -> None:
    """Raise InputError unless the files of x and y pair up in their order, with equal numbers of rows."""
    if len(x.files) != len(y.files):
        raise InputError(
            f"{x.key} names {len(x.files)} files, {y.key} {len(y.files)}: give as many of one as of the other"
        )
    for one, other in zip(x.files, y.files, strict=True):
        if (one.path, one.name) == (other.path, other.name):
            raise InputError(f"{x.key} and {y.key} are one array, {one}: nothing is left to predict")
        if one.shape[0] != other.shape[0]:
            raise InputError(
                f"{one} has {one.shape[0]} rows, but {other} {other.shape[0]}: "
                f"{x.key} and {y.key} pair up in the order of their names, row by row"
            )


def read_features(x: str, count: int) -> NDArray[np.float64]:
    """Return the first `count` rows of `data.x`, or all if there are fewer, flattened to `[n, D]`.

    Raises:
        InputError: the files cannot be read, or a feature is not finite.
    """
    shards = find_shards("data.x", x)
    features = np.empty((min(count, len(shards)), shards.width))
    shards.read(0, features)
    if not np.isfinite(features).all():
        raise InputError(f"data.x={x}: holds values that are not finite")
    return features
