"""Features and targets in files, paired row by row and read in the form that training needs."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.data.standardizer import Normalisation
from linnet.data.storage.class_labels import Labels
from linnet.data.storage.sharded_arrays import ShardedArray
from linnet.system.errors import InputError


@dataclass(frozen=True)
class ArrayPairs:
    """Rows of x and y.

    features, targets: the files of x and y, with equal numbers of rows.
    classes: whether y is class indices `[N]` (int64), else numbers `[N, C]` of the dtype of x.
    dtype: of the features as trained on.
    weights: of each row `[N]` float64, as in `Examples`, where they are in memory; None: all the same.
    labels: what makes indices of the classes in the files; None: they are indices.
    normalisation: of the features as they are read.
    offset: what is subtracted from the targets as they are read, `[C]` float64; None: nothing.
    """

    features: ShardedArray
    targets: ShardedArray
    classes: bool
    dtype: torch.dtype
    normalisation: Normalisation = field(default_factory=Normalisation)
    offset: Tensor | None = None
    labels: Labels | None = None
    weights: Tensor | None = None

    def __len__(self) -> int:
        """Return the number of rows N."""
        return len(self.features)

    @property
    def bytes_per_row(self) -> int:
        """Bytes of memory per row, once read."""
        return self.features.width * self.dtype.itemsize + self.bytes_per_target

    @property
    def bytes_per_target(self) -> int:
        return (1 if self.classes else self.targets.width) * self._target_dtype.itemsize

    @property
    def wide(self) -> bool:
        """Whether the files have features that float32 cannot hold, such as float64 or int32."""
        return any(not np.can_cast(file.dtype, np.float32) for file in self.features.files)

    @property
    def dtype_as_read(self) -> torch.dtype:
        """The narrowest of float32 and float64 that holds every feature as it is in the files."""
        return torch.float64 if self.wide else torch.float32

    def empty(self, *sizes: int, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
        """Allocate x `[*sizes, D]`, of the features' dtype if None, and y, as in `empty_targets`."""
        with torch.inference_mode(False):  # what is made in inference mode cannot be written to outside of it
            return torch.empty(*sizes, self.features.width, dtype=dtype or self.dtype), self.empty_targets(*sizes)

    def empty_targets(self, *sizes: int, dtype: torch.dtype | None = None) -> Tensor:
        """Allocate y `[*sizes]` or `[*sizes, C]`; numbers have the given dtype, or that of the features."""
        columns = () if self.classes else (self.targets.width,)
        kind = self._target_dtype if self.classes or dtype is None else dtype
        return torch.empty(*sizes, *columns, dtype=kind)

    def read(self, start: int, x: Tensor, y: Tensor) -> None:
        """Fill x `[n, D]` and y `[n]` or `[n, C]` with the rows from `start` on.

        Raises:
            InputError: if a feature is not a finite number.
        """
        if x.dtype != torch.float64 and self.wide and not self.normalisation.is_identity:
            memory = torch.empty(x.shape, dtype=torch.float64)
            self.read_features(start, memory)
            x.copy_(self.normalisation.apply_(memory))  # rounded last
        else:
            self.read_features(start, x)
            self.normalisation.apply_(x)
        self.read_targets(start, y)

    def read_features(self, start: int, x: Tensor) -> None:
        """Fill x `[n, D]`, of any floating-point type, with the rows from `start` on as they are in the files."""
        self.features.read(start, _array(x))
        # A sum is less than a tenth of the time of the read; one that overflows costs a closer look.
        kind = torch.float32 if x.dtype == torch.float16 else x.dtype
        if "f" in self.features.kinds and not bool(x.sum(dtype=kind).isfinite()):
            _refuse_not_finite(self.features, start, x)

    def read_targets(self, start: int, y: Tensor) -> None:
        """Fill y `[n]` or `[n, C]` with the targets from `start` on."""
        if self.labels is not None:
            codes = [self.labels.codes(self.targets.key, rows) for rows in self.targets.pieces(start, len(y))]
            _array(y)[...] = np.concatenate(codes)
            return
        if self.offset is None:
            self.targets.read(start, _array(y).reshape(len(y), -1))
            return
        memory = torch.empty(y.shape, dtype=torch.float64)
        self.targets.read(start, _array(memory))
        y.copy_(memory.sub_(self.offset))  # rounded last

    @property
    def _target_dtype(self) -> torch.dtype:
        return torch.int64 if self.classes else self.dtype


def _refuse_not_finite(features: ShardedArray, start: int, x: Tensor) -> None:
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
