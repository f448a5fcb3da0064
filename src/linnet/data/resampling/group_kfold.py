"""k-fold cross-validation of whole groups."""

from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import ClassVar, Literal

import torch

from linnet.data.resampling.folds import NFolds
from linnet.data.resampling.resamples import Folds
from linnet.data.resampling.resampling import Labels, Resampling, random_order
from linnet.system.errors import InputError


@dataclass(frozen=True)
class GroupKFold(Resampling):
    """k-fold cross-validation by the groups of the column `data.group`: no group is on both sides of a fold.

    The largest group left goes to the fold with the fewest examples, as in scikit-learn's GroupKFold.

    Args:
        n_folds: k, in [2, number of groups].
        shuffle: take groups of equal size in random order; false: as they come in the table.

    Raises:
        ValueError: an option is out of range.
    """

    column: ClassVar[Literal["group", "fold"] | None] = "group"
    keeps_groups: ClassVar[bool] = True

    n_folds: NFolds = 5
    shuffle: bool = True

    def resamples(self, labels: Labels, seed: int) -> Folds:
        if labels.groups is None:
            raise InputError("resampling=group_kfold needs the column that names groups: give data.group=NAME")
        _, groups = labels.groups.unique(return_inverse=True)
        sizes = groups.bincount()
        n_groups = len(sizes)
        if n_groups < 2:
            raise InputError(
                "resampling=group_kfold: all training examples are of one group, which cannot be on both sides of a "
                "fold: name another column by data.group, or use resampling=kfold"
            )
        if n_groups < self.n_folds:
            raise InputError(
                f"resampling.n_folds={self.n_folds}: the training examples have only {n_groups} groups, fewer than "
                f"folds: use at most resampling.n_folds={n_groups}"
            )
        order = random_order(n_groups, seed, 0) if self.shuffle else torch.arange(n_groups)
        order = order[sizes[order].argsort(descending=True, stable=True)]
        fold_of = torch.empty(n_groups, dtype=torch.int32)
        folds = [(0, fold) for fold in range(self.n_folds)]  # (examples, index)
        heapify(folds)
        for group, size in zip(order.tolist(), sizes[order].tolist(), strict=True):
            count, fold = folds[0]
            fold_of[group] = fold
            heapreplace(folds, (count + size, fold))
        return Folds(fold_of[groups][None], self.n_folds)
