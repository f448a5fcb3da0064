"""The outer folds of nested cross-validation: each is the test part of runs that train and choose by the others."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.data.resampling.folds import KFold
from linnet.data.resampling.group_kfold import GroupKFold
from linnet.data.resampling.resampling import Labels
from linnet.system.errors import InputError
from linnet.system.seeds import generator


def in_outer_fold(labels: Labels, n_folds: int, fold: int, seed: int) -> Tensor:
    """Return which examples are in one of the outer folds, bool `[N]`: whole groups, or equal shares of each class.

    Args:
        labels: of the examples that are shared out.
        n_folds: number of outer folds.
        fold: in [0, n_folds).
        seed: of the folds, which are others than those of `resampling` for the same seed.

    Raises:
        InputError: there are fewer examples, groups or members of a class than folds.
    """
    part = KFold(n_folds) if labels.groups is None else GroupKFold(n_folds)
    try:
        return part.resamples(labels, generator(seed, "data/outer").initial_seed()).fold[0] == fold
    except InputError as error:
        raise InputError(str(error).replace("resampling.n_folds", "data.outer_folds")) from error


def outer_parts(
    rows: NDArray[np.int64], classes: NDArray[np.int64] | None, class_names: tuple[str, ...],
    groups: NDArray[np.int64] | None, n_folds: int, fold: int, seed: int,
) -> NDArray[np.str_]:  # fmt: skip
    """Return the split of each row of a table, "test" for those in one of the outer folds and else "train".

    Args:
        rows: that are shared out.
        classes, groups: index of each row's class and group, for all rows of the table.
        class_names: of the classes.
        n_folds, fold, seed: see `in_outer_fold`.
    """
    codes = [None if each is None else torch.from_numpy(each[rows]) for each in (classes, groups)]
    held_out = in_outer_fold(Labels(len(rows), codes[0], class_names, codes[1]), n_folds, fold, seed)
    given = np.full(rows.max() + 1, "train", "<U5")
    given[rows[held_out.numpy()]] = "test"
    return given
