"""Partitions into folds: k-fold, leave-one-out, and folds that a column of a table gives."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from linnet.config.option_types import Count
from linnet.data.resampling.resamples import Folds
from linnet.data.resampling.resampling import Labels, Resampling, random_order, refuse_fewer
from linnet.system.errors import InputError

NFolds = Annotated[int, Ge(2)]


@dataclass(frozen=True)
class KFold(Resampling):
    """k-fold cross-validation: sizes of folds differ by at most 1, and so do the counts of each class in them.

    Source: Dive into Deep Learning, section 3.6 (Generalization). With `shuffle=false` the folds are those of
    scikit-learn's KFold, for classes of its StratifiedKFold.

    Args:
        n_folds: k, in [2, inf).
        repeats: partitions, each drawn by itself; F = repeats · n_folds.
        shuffle: draw the folds at random; false: in the order of the examples.

    Raises:
        ValueError: an option is out of range.
    """

    is_exchangeable: ClassVar[bool] = True

    n_folds: NFolds = 5
    repeats: Count = 1
    shuffle: bool = True

    def resamples(self, labels: Labels, seed: int) -> Folds:
        if self.repeats > 1 and not self.shuffle:
            raise InputError(
                f"resampling.repeats={self.repeats}: without resampling.shuffle=true all repeats are equal"
            )
        refuse_fewer(labels.n_examples, self.n_folds, f"resampling.n_folds={self.n_folds}")
        if labels.classes is not None:
            self._check_members(labels.classes, labels.class_names)
        partitions = [self._partition(labels, seed, repeat) for repeat in range(self.repeats)]
        return Folds(torch.stack(partitions).int(), self.n_folds)

    def _check_members(self, classes: Tensor, names: tuple[str, ...]) -> None:
        counts = classes.bincount(minlength=len(names))
        smallest = int(counts.argmin())
        members = int(counts[smallest])
        if members < self.n_folds:
            remedy = f"use resampling.n_folds={members}, or" if members > 1 else "leave this class out, or"
            raise InputError(
                f"resampling.n_folds={self.n_folds}: class {names[smallest]} has {members} training "
                f"example{'' if members == 1 else 's'}, fewer than folds: {remedy} add examples of it"
            )

    def _partition(self, labels: Labels, seed: int, repeat: int) -> Tensor:
        """Return the fold of each example `[N]` int64."""
        n = labels.n_examples
        order = random_order(n, seed, repeat) if self.shuffle else torch.arange(n)
        if labels.classes is None:
            codes = torch.zeros(n, dtype=torch.int64)
        else:
            codes = _by_appearance(labels.classes)[order]
            order = order[codes.argsort(stable=True)]
        # Dealt out like cards, sorted classes make sizes and counts differ by at most 1; sorted by fold within each
        # class, consecutive examples are in one fold, as scikit-learn has them.
        dealt = codes.sort()[0] * self.n_folds + torch.arange(n) % self.n_folds
        fold = torch.empty(n, dtype=torch.int64)
        fold[order] = dealt.sort()[0] % self.n_folds
        return fold


def _by_appearance(classes: Tensor) -> Tensor:
    """Return the classes `[N]` numbered by where they occur first."""
    n, n_classes = len(classes), int(classes.max()) + 1
    first = torch.full((n_classes,), n).scatter_reduce(0, classes, torch.arange(n), "amin")
    return first.argsort().argsort()[classes]


@dataclass(frozen=True)
class LeaveOneOut(Resampling):
    """Leave-one-out cross-validation: each example is held out once, and all others are trained on."""

    is_exchangeable: ClassVar[bool] = True

    def resamples(self, labels: Labels, seed: int) -> Folds:
        refuse_fewer(labels.n_examples, 2, "resampling=leave_one_out")
        return Folds(torch.arange(labels.n_examples, dtype=torch.int32)[None], labels.n_examples)


@dataclass(frozen=True)
class GivenFolds(Resampling):
    """Folds by the values of the column `data.fold` of a table: rows of one value are held out together.

    Rows without a value are held out by no fold. Folds are numbered in the order of the values.
    """

    column: ClassVar[Literal["group", "fold"] | None] = "fold"
    keeps_groups: ClassVar[bool] = True

    def resamples(self, labels: Labels, seed: int) -> Folds:
        folds = labels.folds
        if folds is None:
            raise InputError("resampling=given_folds needs the column that names folds: give data.fold=NAME")
        found = folds[folds >= 0].unique()
        if len(found) < 2:
            raise InputError(
                f"data.fold: the training examples have {len(found)} fold{'' if len(found) == 1 else 's'}, at least 2 "
                f"are needed: name another column, or use resampling=kfold"
            )
        if labels.groups is not None:
            _refuse_divided(labels.groups, folds)
        numbers = torch.full((int(found[-1]) + 2,), -1, dtype=torch.int32)
        numbers[found] = torch.arange(len(found), dtype=torch.int32)
        return Folds(numbers[folds][None], len(found))


def _refuse_divided(groups: Tensor, folds: Tensor) -> None:
    """Raise InputError if the rows of a group are in several folds."""
    pairs = torch.stack([groups, folds]).unique(dim=1)
    n_divided = int((pairs[0].unique(return_counts=True)[1] > 1).sum())
    if n_divided:
        raise InputError(
            f"data.fold: {n_divided} group{'' if n_divided == 1 else 's'} of data.group "
            f"{'is' if n_divided == 1 else 'are'} divided among folds: give each group one fold, or use no data.group"
        )
