"""Features and targets in files, paired row by row and read as training takes them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.data.normalisation import Normalisation
from linnet.data.shards import Shards
from linnet.errors import InputError


@dataclass(frozen=True)
class Pairs:
    """Rows of x and y.

    features, targets: the files of x and y, with equal numbers of rows.
    classes: whether y is class indices `[N]` (int64), else numbers `[N, C]` of the dtype of x.
    dtype: of the features as read.
    normalisation: of the features as they are read.
    """

    features: Shards
    targets: Shards
    classes: bool
    dtype: torch.dtype
    normalisation: Normalisation = field(default_factory=Normalisation)

    def __len__(self) -> int:
        """The number of rows N."""
        return len(self.features)

    @property
    def bytes_per_row(self) -> int:
        """Of memory, once read."""
        return self.features.width * self.dtype.itemsize + self.bytes_per_target

    @property
    def bytes_per_target(self) -> int:
        return self.targets.width * self._target_dtype.itemsize

    def empty(self, *sizes: int) -> tuple[Tensor, Tensor]:
        """Memory for x `[*sizes, D]` and y, as in `empty_targets`."""
        with torch.inference_mode(False):  # what is made in inference mode cannot be written to outside of it
            return torch.empty(*sizes, self.features.width, dtype=self.dtype), self.empty_targets(*sizes)

    def empty_targets(self, *sizes: int) -> Tensor:
        """Memory for y `[*sizes]` or `[*sizes, C]`."""
        columns = () if self.classes else (self.targets.width,)
        return torch.empty(*sizes, *columns, dtype=self._target_dtype)

    def read(self, start: int, x: Tensor, y: Tensor) -> None:
        """Fill x `[n, D]` and y `[n]` or `[n, C]` with the rows from `start` on.

        Raises:
            InputError: if a feature is not a finite number.
        """
        self.read_features(start, x)
        self.read_targets(start, y)
        self.normalisation.apply_(x)

    def read_features(self, start: int, x: Tensor) -> None:
        """Fill x `[n, D]`, of any floating-point type, with the rows from `start` on as they are in the files."""
        self.features.read(start, _array(x))
        # A sum is less than a tenth of the time of the read; one that overflows costs a closer look.
        if "f" in self.features.kinds and not bool(x.sum(dtype=_wider(x.dtype)).isfinite()):
            _refuse_not_finite(self.features, start, x)

    def read_targets(self, start: int, y: Tensor) -> None:
        """Fill y `[n]` or `[n, C]` with the targets from `start` on."""
        self.targets.read(start, _array(y).reshape(len(y), -1))

    @property
    def _target_dtype(self) -> torch.dtype:
        return torch.int64 if self.classes else self.dtype


def _wider(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.float16 else dtype


def _refuse_not_finite(features: Shards, start: int, x: Tensor) -> None:
    found = (~x.isfinite()).nonzero()
    if not len(found):
        return
    place, column = found[0].tolist()
    number, row = features.locate(start + place)
    file = features.files[number]
    value = file.rows(row, row + 1).reshape(-1)[column]
    where = f"{features.key}: {file} has {value:g} in row {row}, column {column} (counted from 0)"
    if np.isfinite(value):
        raise InputError(f"{where}, too large for {str(x.dtype).removeprefix('torch.')}: use data.dtype=float64")
    raise InputError(f"{where}: leave out such rows, or fill in numbers")


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(tensor.numpy())
    return array
