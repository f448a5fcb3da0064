"""Examples in memory, and the output of a data source."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from linnet.data.batch import Batch, TrueParameters
from linnet.data.standardizer import Normalisation, Standardizer
from linnet.data.target_spread import TargetSpread

if TYPE_CHECKING:
    from linnet.data.table.preprocessing import Preprocessing

Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class Examples:
    """N examples in memory.

    x: features `[N, D]`.
    y: targets `[N, C]` of the dtype of x for regression, class indices `[N]` (int64) for classification.
    weight: how much each example counts `[N]`, at least 0, with a mean of 1 over those that are trained on, so that the
        mean of weight times loss over a minibatch estimates Σ weight loss / Σ weight; None: all the same.
    """

    x: Tensor
    y: Tensor
    weight: Tensor | None = None

    byte_scale: ClassVar[float] = 1.0
    """What a feature that comes as a byte 0 … 255 is multiplied by."""

    streamed: ClassVar[bool] = False
    """Whether they are read from files as they are needed, and `x` and `y` are not to be had at once."""

    gathers_without_waiting: ClassVar[bool] = True
    """Whether `batches` only asks a device for work, and never for an answer."""

    def __len__(self) -> int:
        """Return the number of examples N."""
        return self.x.shape[0]

    @property
    def n_features(self) -> int:
        return self.x.shape[1]

    @property
    def n_targets(self) -> int:
        """The number of target columns C, for regression."""
        return self.y.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the features in batches."""
        return self.x.dtype

    @property
    def total_weight(self) -> float:
        """Sum of the weights; N without weights."""
        return float(len(self) if self.weight is None else self.weight.double().sum())

    def take(self, rows: Tensor) -> "Examples":
        """Return copies of the examples at the given indices `[B]`, int64."""
        # index_select gathers rows three times as fast as `x[rows]`.
        weight = None if self.weight is None else self.weight.index_select(0, rows)
        return Examples(self.x.index_select(0, rows), self.y.index_select(0, rows), weight)

    def batches(self, rows: Tensor, sizes: list[int]) -> Iterator[Batch]:
        """Yield the examples at the given indices in batches of these sizes, each valid until the next is requested."""
        # Fresh memory for each batch would cost as much as the gather itself.
        memory = self.x.new_empty(max(sizes), self.n_features)
        targets = self.y.index_select(0, rows).split(sizes)
        weights = [None] * len(sizes) if self.weight is None else self.weight.index_select(0, rows).split(sizes)
        for some, y, size, weight in zip(rows.split(sizes), targets, sizes, weights, strict=True):
            yield Batch(torch.index_select(self.x, 0, some, out=_first(memory, size)), y, weight=weight)

    def chunks(self, size: int) -> Iterator[Batch]:
        """Yield all examples in order, `size` at a time; each batch is valid until the next is requested."""
        if len(self) <= size:
            yield Batch(self.x, self.y, weight=self.weight)
            return
        targets = self.y.split(size)
        weights = [None] * len(targets) if self.weight is None else self.weight.split(size)
        for x, y, weight in zip(self.x.split(size), targets, weights, strict=True):
            yield Batch(x, y, weight=weight)

    def spread(self, size: int) -> TargetSpread | None:
        """Return the spread of the targets of regression, added up `size` at a time; None where it is not at hand."""
        if self.streamed or not self.y.is_floating_point():
            return None
        known: dict[int, TargetSpread] = vars(self).setdefault("_spreads", {})
        if size not in known:
            known[size] = TargetSpread()
            for y in self.y.split(size):
                known[size].add(y)
        return known[size]

    def raw_chunks(self, size: int) -> Iterator[Batch]:
        """Yield `chunks` of unprepared examples, before rounding to the training dtype."""
        return self.chunks(size)

    def targets(self) -> Iterator[Tensor]:
        """Yield all targets in order, in pieces, each valid until the next is requested."""
        yield self.y

    def to(self, device: torch.device) -> "Examples":
        """Return the examples on a device; themselves where they are there."""
        x = self.x.to(device)
        if x is self.x:
            return self
        return Examples(x, self.y.to(device), None if self.weight is None else self.weight.to(device))


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
            found = torch.index_select(self.stored, 0, some, out=_first(gathered, size))
            yield self.batch(_first(memory, size).copy_(found), y)

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


def _first(memory: Tensor, size: int) -> Tensor:
    """Return the first rows; no view is made in the common case of all rows."""
    return memory if memory.shape[0] == size else memory[:size]


@dataclass(frozen=True)
class Source:
    """Output of a data source, before split and standardisation.

    checksum identifies the examples: sha256 of the files read, of the numbers made, or of what files too large to be
    read for it are known by. row_norm: each example was divided by its Euclidean norm. unrounded: the examples are
    those of files, in a dtype that holds them exactly, and preparation rounds them to the dtype that is trained on.
    absent_classes are those that only the validation or test split has: the model has no output for them, and the index
    of the i-th is −1 − i. stratified: classes are split in equal shares. rows are the training examples' numbers
    among the rows that were read `[N]`, None if they are all in their order; groups and folds are each example's group
    and fold `[N]` int64, of a table with such columns; −1: in no fold. preprocessing is what made features of the
    columns of a table, and summary says what was found in the data, a line each.
    """

    task: Task
    train: Examples
    test: Examples | None
    checksum: str
    val: Examples | None = None
    class_names: tuple[str, ...] = ()
    absent_classes: tuple[str, ...] = ()
    stratified: bool = False
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, ...] | None = None
    truth: TrueParameters | None = None
    bayes_accuracy: float | None = None
    row_norm: bool = False
    rows: Tensor | None = None
    groups: Tensor | None = None
    folds: Tensor | None = None
    unrounded: bool = False
    preprocessing: "Preprocessing | None" = None
    summary: tuple[str, ...] = ()

    @property
    def n_outputs(self) -> int:
        """Number of classes, or of target columns."""
        return len(self.class_names) if self.task == "classification" else self.train.n_targets


def checksum(*splits: Examples | None) -> str:
    """Return the SHA-256 of the bytes of all examples, hexadecimal."""
    digest = hashlib.sha256()
    for split in splits:
        for tensor in () if split is None else (split.x, split.y):
            digest.update(tensor.cpu().contiguous().numpy().data.cast("B"))
    return digest.hexdigest()
