"""The prepared data of one run, as a LightningDataModule: in memory on the device that trains, or read by blocks."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from linnet.data.blocks import Blocks
from linnet.data.examples import Examples, Source, Truth
from linnet.data.halves import Halves
from linnet.data.order import MINIBATCHES_PER_BUNDLE, Bundles

BUNDLE_ROWS = 2**20
"""So many row indices are in memory at once where the examples are not."""


class Scaling:
    """Standardisation x ↦ (x − mean) / deviation, by feature; constant features are only centred."""

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        self.mean, self.deviation = mean, deviation

    @classmethod
    def of(cls, x: Tensor) -> "Scaling":
        """The scaling that gives x `[N, D]` mean 0 and variance 1; statistics in float64."""
        variance, mean = torch.var_mean(x.double(), dim=0, correction=0)
        return cls._from(mean, variance)

    @classmethod
    def of_parts(cls, parts: Iterable[Tensor]) -> "Scaling":
        """The same of features that come `[n, D]` at a time."""
        n, mean, squares = 0, torch.zeros(()), torch.zeros(())
        for x in parts:  # Chan, Golub and LeVeque, Updating formulae for computing sample variances, 1979
            more, values = len(x), x.double()
            part_mean = values.mean(dim=0)
            apart = part_mean - mean
            within = (values - part_mean).square_().sum(dim=0)  # a fifth of the time of `var_mean` along rows
            squares = squares + within + apart.square() * (n * more / (n + more))
            mean = mean + apart * (more / (n + more))
            n += more
        return cls._from(mean, squares / n)

    @classmethod
    def _from(cls, mean: Tensor, variance: Tensor) -> "Scaling":
        # A column of one value has a computed variance of rounding size; dividing by it would blow up noise.
        constant = variance.sqrt() <= 1e-7 * mean.abs()
        return cls(mean, torch.where(constant, 1.0, variance.sqrt()))

    def apply(self, examples: Examples) -> Examples:
        """The examples with standardised features, in their own dtype."""
        if isinstance(examples, (Blocks, Halves)):
            return examples.standardised(self.mean, self.deviation)
        x = examples.x
        return Examples((x - self.mean.to(x)).div_(self.deviation.to(x)), examples.y, examples.weight)

    def undo(self, weight: Tensor, bias: Tensor) -> Truth:
        """Parameters for standardised features as parameters for features as they came: weight `[C, D]`, bias `[C]`."""
        original = weight.double() / self.deviation
        return Truth(original, bias.double() - original @ self.mean)

    def redo(self, weight: Tensor, bias: Tensor) -> Truth:
        """The inverse of `undo`: parameters for features as they came as parameters for standardised features."""
        weight = weight.double()
        return Truth(weight * self.deviation, bias.double() + weight @ self.mean)


class Whole:
    """A loader of one batch that holds all examples. A plain list would pass for a list of loaders."""

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
        train, val, test: the prepared parts; val and test may be absent.
        batch_size: examples per minibatch.
        seed: of the batch order.
        scaling: the standardisation that was applied, if any.
        overfit_batches: train on the first so many minibatches only; 0: on all.

    Attributes:
        per_bundle: minibatches that are trained on between two chances to write a checkpoint.
    """

    def __init__(
        self,
        source: Source,
        train: Examples,
        val: Examples | None,
        test: Examples | None,
        batch_size: int,
        seed: int,
        scaling: Scaling | None = None,
        overfit_batches: int = 0,
    ) -> None:
        super().__init__()
        self.source, self.train, self.val, self.test = source, train, val, test
        self.batch_size, self.seed, self.scaling = batch_size, seed, scaling
        self.overfit_batches = overfit_batches
        self.per_bundle = MINIBATCHES_PER_BUNDLE

    @property
    def bundles(self) -> Bundles:
        groups = self.train.groups if isinstance(self.train, Blocks) else None
        per_bundle = self.per_bundle if groups is None else min(self.per_bundle, -(-BUNDLE_ROWS // self.batch_size))
        return Bundles(
            len(self.train), self.batch_size, self.seed, self._steps_done, self.overfit_batches, per_bundle, groups
        )

    def parts(self) -> dict[str, Examples]:
        """Name -> examples of each part that there is: "train", "val", "test"."""
        parts = {"train": self.train, "val": self.val, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}

    def move_to(self, device: torch.device) -> None:
        """All parts to the device. Linear models are small beside their data, so the data is what has to be there."""
        self.train = self.train.to(device)
        self.val = self.val and self.val.to(device)
        self.test = self.test and self.test.to(device)

    def train_dataloader(self) -> Bundles:
        return self.bundles

    def val_dataloader(self) -> "list[Whole]":
        return [] if self.val is None else [Whole(self.val)]

    def _steps_done(self) -> int:
        model: Any = self.trainer.lightning_module if self.trainer else None
        return 0 if model is None else model.steps_done
