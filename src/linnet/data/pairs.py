"""Features and targets in .npy files, paired row by row and read as training takes them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.data.shards import Shards


@dataclass(frozen=True)
class Pairs:
    """Rows of x and y.

    features, targets: the files of x and y, with equal numbers of rows.
    classes: whether y is class indices `[N]` (int64), else numbers `[N, C]` of the dtype of x.
    dtype: of the features as read.
    mean, deviation: float64 `[D]`, by which the features are standardised as they are read; None: not at all.
    """

    features: Shards
    targets: Shards
    classes: bool
    dtype: torch.dtype
    mean: Tensor | None = None
    deviation: Tensor | None = None

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
        """Fill x `[n, D]` and y `[n]` or `[n, C]` with the rows from `start` on."""
        self.features.read(start, _array(x))
        self.read_targets(start, y)
        if self.mean is not None and self.deviation is not None:
            x.sub_(self.mean.to(x)).div_(self.deviation.to(x))

    def read_targets(self, start: int, y: Tensor) -> None:
        """Fill y `[n]` or `[n, C]` with the targets from `start` on."""
        self.targets.read(start, _array(y).reshape(len(y), -1))

    @property
    def _target_dtype(self) -> torch.dtype:
        return torch.int64 if self.classes else self.dtype


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(tensor.numpy())
    return array
