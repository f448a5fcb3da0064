"""Examples in memory whose features are kept in another dtype than they are trained on in."""

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from linnet.data.batch import Batch
from linnet.data.standardizer import Normalisation, Standardizer
from linnet.data.storage.examples import Examples, first_rows


class StoredExamples(Examples):
    """Examples whose features `[N, D]` are kept in another dtype than theirs, and converted once they are gathered."""

    stored: Tensor

    def __init__(self, stored: Tensor, y: Tensor, dtype: torch.dtype) -> None:
        vars(self).update(stored=stored, y=y, _dtype=dtype)  # past the base class, which is frozen

    @abstractmethod
    def like(self, stored: Tensor, y: Tensor) -> "StoredExamples":
        """Return other examples that are converted in the same way."""

    @abstractmethod
    def batch(self, x: Tensor, y: Tensor) -> Batch:
        """Return the batch of stored features that are converted to the dtype, and may be changed in place."""

    @cached_property
    def x(self) -> Tensor:
        """Features `[N, D]`, made for those who need all of them at once."""
        return self.batch(self.stored.to(self.dtype), self.y).x

    def __len__(self) -> int:
        return self.stored.shape[0]

    @property
    def n_features(self) -> int:
        return self.stored.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        kind: torch.dtype = vars(self)["_dtype"]
        return kind

    def take(self, rows: Tensor) -> "StoredExamples":
        return self.like(self.stored.index_select(0, rows), self.y.index_select(0, rows))

    def batches(self, rows: Tensor, sizes: list[int]) -> Iterator[Batch]:
        gathered = self.stored.new_empty(max(sizes), self.n_features)
        memory = self.stored.new_empty(max(sizes), self.n_features, dtype=self.dtype)
        targets = self.y.index_select(0, rows).split(sizes)
        for some, y, size in zip(rows.split(sizes), targets, sizes, strict=True):
            found = torch.index_select(self.stored, 0, some, out=first_rows(gathered, size))
            yield self.batch(first_rows(memory, size).copy_(found), y)

    def chunks(self, size: int) -> Iterator[Batch]:
        memory = self.stored.new_empty(min(size, len(self)), self.n_features, dtype=self.dtype)
        for stored, y in zip(self.stored.split(size), self.y.split(size), strict=True):
            yield self.batch(memory[: len(y)].copy_(stored), y)

    def to(self, device: torch.device) -> "StoredExamples":
        stored = self.stored.to(device)
        return self if stored is self.stored else self.like(stored, self.y.to(device))


class ByteExamples(StoredExamples):
    """Examples whose features are grey levels / 255, kept as bytes: a quarter of the memory, and a gather of rows
    that takes half the time.
    """

    byte_scale: ClassVar[float] = 1 / 255

    @cached_property
    def x(self) -> Tensor:
        return self.stored.to(self.dtype).div_(255)

    def like(self, stored: Tensor, y: Tensor) -> "ByteExamples":
        return ByteExamples(stored, y, self.dtype)

    def batch(self, x: Tensor, y: Tensor) -> Batch:
        return Batch(x, y, self.byte_scale)


class Float16Examples(StoredExamples):
    """Examples whose features are kept in float16 and normalised once gathered: half the memory of float32, and a
    gather of 256 rows of 384 takes less time, since it is memory that it waits for.

    normalisation: that makes features of what is stored.
    """

    normalisation: Normalisation

    def __init__(self, stored: Tensor, y: Tensor, dtype: torch.dtype, normalisation: Normalisation) -> None:
        super().__init__(stored, y, dtype)
        vars(self).update(normalisation=normalisation)

    def like(self, stored: Tensor, y: Tensor) -> "Float16Examples":
        return Float16Examples(stored, y, self.dtype, self.normalisation.to(stored.device))

    @property
    def gathers_without_waiting(self) -> bool:  # type: ignore[override]
        return not self.normalisation.rows  # which asks for rows of zeros

    def batch(self, x: Tensor, y: Tensor) -> Batch:
        return Batch(self.normalisation.apply_(x), y)

    def prepared(self, scaling: Standardizer | None, y: Tensor, dtype: torch.dtype) -> "Float16Examples":
        """Return the examples with standardised features of this dtype, and targets y."""
        normalisation = self.normalisation
        if scaling is not None:
            normalisation = normalisation.standardised(scaling.mean, scaling.deviation)
        return Float16Examples(self.stored, y, dtype, normalisation)
