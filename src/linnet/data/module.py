"""The prepared data of one run as a LightningDataModule: in memory on the training device, or read by blocks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from linnet.data.batch import TrueParameters
from linnet.data.order import MINIBATCHES_PER_CHUNK, Chunks
from linnet.data.resampling.resamples import Resamples
from linnet.data.standardizer import Standardizer
from linnet.data.storage.examples import Examples, Source
from linnet.data.storage.out_of_core_examples import OutOfCoreExamples

CHUNK_ROWS = 2**20
"""So many row indices are in memory at once where the examples are not."""


class Whole:
    """A loader of one batch with all examples. Lightning would take a plain list for several loaders."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Examples]:
        yield self.examples


class Data(pl.LightningDataModule):
    """Training, validation and test examples, and the minibatches of each epoch.

    Args:
        source: where the examples come from, and what is known of them.
        train, val, test: the prepared splits; val and test may be absent.
        batch_size: examples per minibatch.
        seed: of the batch order.
        scaling: the standardisation that was applied, if any.
        offset: what was subtracted from the targets, `[C]` float64; None: nothing.
        in_float64: makes the training examples again in float64, with this scaling and offset.
        row_numbers: returns the rows of `row_numbers`; None: the examples are all rows.

    Attributes:
        overfit_batches: train on the first so many minibatches only; 0: on all.
        limit_batches: train on so many minibatches of each epoch only; 0: on all.
        max_steps: minibatches of all epochs after which training ends; None: with its last epoch.
        resamples: of the training examples; None: there are none.
        per_chunk: minibatches that are trained on between two chances to write a checkpoint.
    """

    def __init__(
        self,
        source: Source,
        train: Examples,
        val: Examples | None,
        test: Examples | None,
        batch_size: int,
        seed: int,
        scaling: Standardizer | None = None,
        offset: Tensor | None = None,
        in_float64: Callable[[Standardizer | None, Tensor | None], Examples] | None = None,
        row_numbers: Callable[[], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.source, self.train, self.val, self.test = source, train, val, test
        self.batch_size, self.seed, self.scaling, self.offset = batch_size, seed, scaling, offset
        self._in_float64, self._row_numbers = in_float64, row_numbers
        self.overfit_batches = self.limit_batches = 0
        self.max_steps: int | None = None
        self.resamples: Resamples | None = None
        self.per_chunk = MINIBATCHES_PER_CHUNK
        self._on_cpu: tuple[Examples, Examples | None, Examples | None] | None = None

    @property
    def chunks(self) -> Chunks:
        """The minibatches of the epoch that the Trainer's module has come to."""
        return self.order(self._steps_done)

    def order(self, steps_done: Callable[[], int]) -> Chunks:
        """Return the minibatches of the epoch that so many updates have come to."""
        groups = self.train.groups if isinstance(self.train, OutOfCoreExamples) else None
        per_chunk = self.per_chunk if groups is None else min(self.per_chunk, -(-CHUNK_ROWS // self.batch_size))
        return Chunks(
            len(self.train), self.batch_size, self.seed, steps_done, self.overfit_batches, per_chunk, groups,
            self.limit_batches, lambda: self.max_steps,
        )  # fmt: skip

    def length(self, max_epochs: float) -> float:
        """Return the epochs that training lasts, also a part of one: fewer where `max_steps` ends it before."""
        return max_epochs if self.max_steps is None else min(max_epochs, self.max_steps / self.chunks.steps_per_epoch)

    @property
    def train_in_float64(self) -> Examples:
        """The training examples before rounding to the run's dtype; solvers and certificates use these."""
        if self._in_float64 is None or (self.train.dtype == torch.float64 and self.train.x.dtype == torch.float64):
            return self.train
        return self._in_float64(self.scaling, self.offset)

    @property
    def train_as_read(self) -> Examples:
        """The training examples in float64, in the units of the source."""
        return self.train if self._in_float64 is None else self._in_float64(None, None)

    @property
    def row_numbers(self) -> Tensor:
        """The number, from 0, of each training example among the rows that were read, `[N]` int64."""
        return torch.arange(len(self.train)) if self._row_numbers is None else self._row_numbers()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the D features: those of the source, else x0, x1 and so on."""
        return self.source.feature_names or tuple(f"x{i}" for i in range(self.train.n_features))

    def in_units_of_training(self, weight: Tensor, bias: Tensor) -> TrueParameters:
        """Convert weight `[C, D]` and bias `[C]` from the data's units to those of the prepared examples."""
        if self.offset is not None:
            bias = bias - self.offset
        return TrueParameters(weight, bias) if self.scaling is None else self.scaling.redo(weight, bias)

    def splits(self) -> dict[str, Examples]:
        """Map "train", "val" and "test" to the examples of each split that exists."""
        splits = {"train": self.train, "val": self.val, "test": self.test}
        return {name: split for name, split in splits.items() if split is not None}

    def move_to(self, device: torch.device) -> None:
        """Move all splits to the device. Linear models are small beside their data, so the data is moved once.

        The splits stay in the memory of the CPU, so that moving them back takes no time.
        """
        if device.type == "cpu":
            if self._on_cpu is not None:
                (self.train, self.val, self.test), self._on_cpu = self._on_cpu, None
            return
        if self._on_cpu is None:
            self._on_cpu = self.train, self.val, self.test
        self.train = self.train.to(device)
        self.val = self.val and self.val.to(device)
        self.test = self.test and self.test.to(device)

    def train_dataloader(self) -> Chunks:
        return self.chunks

    def val_dataloader(self) -> "list[Whole]":
        if self.val is None and self.resamples is not None:
            return [Whole(self.train)]  # resamples are judged by what they leave out of these
        return [] if self.val is None else [Whole(self.val)]

    def _steps_done(self) -> int:
        model: Any = self.trainer.lightning_module if self.trainer else None
        return 0 if model is None else model.steps_done
