"""F resamples of N training examples: which are trained on, how often, and which are held out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor

from linnet.system.errors import InputError

LARGEST = 2**31
"""Entries of the matrices `[F, N]` at most: 2 GiB each."""


class Resamples(ABC):
    """F resamples of N examples. All tensors are on the CPU.

    Attributes:
        train: `[F, N]` uint8, how often resample f trains on example i.
        held_out: `[F, N]` bool, the examples by which resample f is judged; it trains on none of them.
        fold: `[R, N]` int32, where the resamples are R partitions into folds: resample r · (F / R) + fold[r, i] holds
            example i out, no resample of partition r does where it is −1; None for other resamples.
    """

    train: Tensor
    held_out: Tensor
    fold: Tensor | None

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of resamples F."""

    @property
    @abstractmethod
    def n_examples(self) -> int:
        """The number of examples N."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return what the resamples are made of, as `resamples_of` takes it."""


class Samples(Resamples):
    """Resamples that are given as matrices, see `Resamples`."""

    fold = None

    def __init__(self, train: Tensor, held_out: Tensor) -> None:
        self.train, self.held_out = train, held_out

    def __len__(self) -> int:
        return len(self.train)

    @property
    def n_examples(self) -> int:
        return self.train.shape[1]

    def tensors(self) -> dict[str, Tensor]:
        return {"train": self.train, "held_out": self.held_out}


class Folds(Resamples):
    """Partitions of the examples, each fold of which is held out once and trained on by all others of its partition.

    The matrices are made when they are first asked for: those of leave-one-out have N² entries, where `fold` has N.

    Args:
        fold: see `Resamples`.
        n_folds: of each partition.
    """

    def __init__(self, fold: Tensor, n_folds: int) -> None:
        self.fold: Tensor = fold
        self.n_folds = n_folds

    def __len__(self) -> int:
        return len(self.fold) * self.n_folds

    @property
    def n_examples(self) -> int:
        return self.fold.shape[1]

    @cached_property
    def held_out(self) -> Tensor:  # type: ignore[override]
        refuse_too_large(len(self), self.n_examples)
        return (self.fold[:, None] == torch.arange(self.n_folds, dtype=self.fold.dtype)[:, None]).flatten(0, 1)

    @cached_property
    def train(self) -> Tensor:  # type: ignore[override]
        return (~self.held_out).to(torch.uint8)

    def tensors(self) -> dict[str, Tensor]:
        return {"fold": self.fold, "n_folds": torch.tensor(self.n_folds)}


def refuse_too_large(n_resamples: int, n_examples: int) -> None:
    """Raise InputError if the matrices of F resamples of N examples would not fit into memory."""
    if n_resamples * n_examples > LARGEST:
        raise InputError(
            f"resampling: {n_resamples} resamples of {n_examples} training examples do not fit into memory: use fewer, "
            f"such as resampling=kfold"
        )


def resamples_of(tensors: Mapping[str, Tensor]) -> Resamples:
    """Return the resamples that `Resamples.tensors` describes."""
    if "fold" in tensors:
        return Folds(tensors["fold"], int(tensors["n_folds"]))
    return Samples(tensors["train"], tensors["held_out"])
