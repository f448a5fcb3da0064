"""Arrays in .npy files, one after the other as if they were one, read a stretch of rows at a time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linnet.errors import InputError

MAGIC = b"\x93NUMPY"


class File(NamedTuple):
    """What the header of an .npy file and the file system say of it."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    offset: int
    size: int
    modified: int

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Of the array, mapped for as long as this is referred to: mapped pages stay in the memory of the process."""
        try:
            whole: NDArray[Any] = np.memmap(self.path, self.dtype, "r", self.offset, self.shape, self.order)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.path} cannot be read any more ({' '.join(str(error).split())}): "
                f"it was changed or removed since the run began"
            ) from error
        return whole[start:stop]


@dataclass(frozen=True)
class Shards:
    """The rows of some .npy files.

    files: one or more, whose arrays differ in their numbers of rows at most.
    """

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
        """Of numbers: numpy's letters, f for floating point, i, u and b for integers."""
        return {file.dtype.kind for file in self.files}

    def read(self, start: int, out: NDArray[Any]) -> None:
        """Fill out `[n, width]` with the rows from `start` on, converted to its dtype."""
        starts = self.starts
        number = bisect_right(starts, start) - 1
        done = 0
        while done < len(out):
            first = start + done - starts[number]
            count = min(len(out) - done, self.files[number].shape[0] - first)
            rows = self.files[number].rows(first, first + count).reshape(count, -1)
            np.copyto(out[done : done + count], rows, casting="unsafe")
            done, number = done + count, number + 1


def find_shards(key: str, pattern: str) -> Shards:
    """The .npy files that a path or pattern names, in the order of their names.

    Args:
        key: that names them in the configuration, for messages.

    Raises:
        InputError: if there are none, one cannot be read or holds no numbers, or their rows are not alike.
    """
    whole = Path(pattern).expanduser()
    folder = Path(whole.anchor)
    found = [whole] if whole.is_file() else sorted(folder.glob(str(whole.relative_to(folder))))
    paths = [path for path in found if path.is_file()]
    if not paths:
        what = "no file has such a name" if any(letter in pattern for letter in "*?[") else "no such file"
        raise InputError(f"{key}={pattern}: {what}, give an .npy file or a pattern such as 'data/x_*.npy'")
    files = tuple(_header(path) for path in paths)
    for file in files:
        if not file.shape or file.shape[0] == 0:
            raise InputError(f"{file.path} holds an array of shape {list(file.shape)}: expected at least one row")
        if file.dtype.kind not in "fiub":
            raise InputError(f"{file.path} holds {file.dtype}: expected numbers, such as float32 or uint8")
        if file.shape[1:] != files[0].shape[1:]:
            raise InputError(
                f"{file.path} has rows of shape {list(file.shape[1:])}, but {files[0].path} of "
                f"{list(files[0].shape[1:])}: shards of one array have equal rows"
            )
    return Shards(files)


def same_lengths(x: Shards, y: Shards, keys: Sequence[str]) -> None:
    """Raise InputError unless the files of x and y pair up in their order, with equal numbers of rows."""
    if len(x.files) != len(y.files):
        raise InputError(
            f"{keys[0]} names {len(x.files)} files, {keys[1]} {len(y.files)}: give as many of one as of the other"
        )
    for one, other in zip(x.files, y.files, strict=True):
        if one.shape[0] != other.shape[0]:
            raise InputError(
                f"{one.path} has {one.shape[0]} rows, but {other.path} {other.shape[0]}: "
                f"{keys[0]} and {keys[1]} pair up in the order of their names, row by row"
            )


def _header(path: Path) -> File:
    array = _open(path)
    about = path.stat()
    order: Literal["C", "F"] = "C" if array.flags.c_contiguous else "F"
    return File(path, array.dtype, array.shape, order, array.offset, about.st_size, about.st_mtime_ns)


def _open(path: Path) -> "np.memmap[Any, Any]":
    """The array of an .npy file, mapped."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise InputError(f"{path} is not an .npy file: write it with numpy.save")
        array: np.memmap[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:
        why = " ".join(str(error).split())
        if "Python objects" in why:
            raise InputError(f"{path} holds Python objects, which are not read: save an array of numbers") from error
        if "mmap length" in why:
            why = "it is shorter than its header says"
        raise InputError(f"{path} cannot be read ({why}): write it anew with numpy.save") from error
    return array
