"""Examples in memory, and the output of a data source."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from linnet.data.batch import Batch, TrueParameters
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

    can_move: ClassVar[bool] = True
    """Whether they can be moved to a GPU."""

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
            yield Batch(torch.index_select(self.x, 0, some, out=first_rows(memory, size)), y, weight=weight)

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


def first_rows(memory: Tensor, size: int) -> Tensor:
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
    columns of a table, and summary says what was found in the data, a line each. former_checksum is what earlier
    versions took of large data.
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
    former_checksum: Callable[[], str] | None = None

    def has_checksum(self, recorded: str) -> bool:
        """Return whether a manifest recorded this checksum, or the one that earlier versions took of large data."""
        return recorded == self.checksum or (self.former_checksum is not None and recorded == self.former_checksum())

    @property
    def n_outputs(self) -> int:
        """Number of classes, or of target columns."""
        return len(self.class_names) if self.task == "classification" else self.train.n_targets
