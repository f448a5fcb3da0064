"""Split a table into train, val and test rows, by files, by a column, or at random; example weights from a column."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.split import SPLIT_NAMES, Rows, hold_out
from linnet.data.table.messages import RowLocator, join_names
from linnet.data.table.notation import PLAIN, Notation
from linnet.data.table.values import Floats, as_numbers, as_text, cleaned, is_missing
from linnet.system.errors import InputError

Splits = Mapping[str, Rows]


def labelled(column: pa.ChunkedArray, name: str, where: RowLocator) -> NDArray[np.str_]:
    """Read the split of each row from a split column: "train", "val" or "test" `[N]`.

    Raises:
        InputError: naming the rows that say something else.
    """
    key = f"data.split_column={name}"
    texts = np.array([(text or "").lower() for text in as_text(key, cleaned(column)).to_pylist()])
    wrong = np.flatnonzero(~np.isin(texts, list(SPLIT_NAMES)))
    if len(wrong):
        raise InputError(f"{key}: '{texts[wrong[0]]}' in {where(wrong.tolist())}, expected {join_names(SPLIT_NAMES)}")
    return np.array([SPLIT_NAMES[text] for text in texts])


def group_codes(column: pa.ChunkedArray, name: str, where: RowLocator) -> NDArray[np.int64]:
    """Return the index of each row's group `[N]`. Raises InputError where a row has none."""
    values = cleaned(column)
    missing = np.flatnonzero(is_missing(values))
    if len(missing):
        raise InputError(f"data.group={name}: the group is missing in {where(missing.tolist())}")
    try:
        return values.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    except pa.ArrowException as error:
        raise InputError(f"data.group={name}: {column.type} cannot name groups, expected text or numbers") from error


def fold_codes(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    """Return the index of each row's fold `[N]`, in the order of the values; −1 for rows that have none.

    Raises:
        InputError: the values cannot name folds.
    """
    values = cleaned(column)
    try:
        values = values.combine_chunks()
        names = pc.unique(values).drop_null()
        names = names.take(pc.array_sort_indices(names))
        return pc.fill_null(pc.index_in(values, names), -1).to_numpy().astype(np.int64)
    except pa.ArrowException as error:
        raise InputError(f"data.fold={name}: {column.type} cannot name folds, expected text or numbers") from error


def assign(
    rows: Rows,
    given: NDArray[np.str_] | None,
    test_fraction: float,
    val_fraction: float,
    classes: NDArray[np.int64] | None,
    groups: NDArray[np.int64] | None,
    seed: int,
) -> Splits:
    """Return the rows of each split, sorted; every row is in exactly one.

    Args:
        rows: to share out.
        given: the split of each row of the table, where files or a column say so; validation rows are drawn from the
            training rows if none are given, test rows are not.
        test_fraction: of all rows.
        val_fraction: of the rows that are not for testing.
        classes, groups: as `hold_out` takes them.

    Raises:
        InputError: if nothing is left to train on.
    """
    if given is None:
        train, test = hold_out(rows, test_fraction, classes, groups, seed, "data/test")
        val = rows[:0]
    else:
        train, val, test = (rows[given[rows] == part] for part in ("train", "val", "test"))
    if len(val) == 0:
        train, val = hold_out(train, val_fraction, classes, groups, seed, "data/split")
    if len(train) == 0:
        raise InputError(
            "no rows are left to train on: see data.test_fraction, data.val_fraction and data.split_column"
        )
    splits = {"train": train, "val": val, "test": test}
    shared = np.sort(np.concatenate(list(splits.values())))
    assert np.array_equal(shared, rows), "every row is in exactly one split"
    return splits


def check_groups(splits: Splits, groups: NDArray[np.int64], name: str, where: RowLocator) -> None:
    """Raise InputError if rows of one group are in two splits, as given files or a split column may have it."""
    for one, other in (("train", "test"), ("train", "val"), ("val", "test")):
        both = np.intersect1d(groups[splits[one]], groups[splits[other]])
        if len(both):
            rows = [int(splits[split][groups[splits[split]] == both[0]][0]) for split in (one, other)]
            raise InputError(
                f"data.group={name}: a group is in the {one} part ({where(rows[:1])}) and in the {other} part "
                f"({where(rows[1:])})"
            )


def check_classes(splits: Splits, y: NDArray[np.int64], class_names: tuple[str, ...], where: RowLocator) -> None:
    """Raise InputError if a class occurs that no training row has."""
    for split in ("val", "test"):
        unseen = np.setdiff1d(y[splits[split]], y[splits["train"]])
        if len(unseen):
            rows = splits[split][np.isin(y[splits[split]], unseen)]
            raise InputError(
                f"the {split} part has {join_names(class_names[k] for k in unseen)} ({where(rows.tolist())}), which no "
                f"training row has: add such rows to training, or remove these"
            )


def example_weights(column: pa.ChunkedArray, name: str, where: RowLocator, notation: Notation = PLAIN) -> Floats:
    """Return the weight of each row `[N]`, at least 0.

    Raises:
        InputError: naming the rows whose weight is missing, no number, infinite or negative.
    """
    key = f"data.weight={name}"
    column = cleaned(column)
    weight = as_numbers(key, column, where, notation.of_column(column))
    for wrong, what in ((np.isnan(weight), "missing"), (weight < 0, "negative")):
        if wrong.any():
            raise InputError(f"{key}: the weight is {what} in {where(np.flatnonzero(wrong).tolist())}")
    return weight


def scaled(weight: Floats, name: str, splits: Splits) -> Floats:
    """Divide the weights `[N]` by their mean over each split.

    Raises:
        InputError: if all weights of a split are 0: its mean loss would be NaN.
    """
    found = np.zeros_like(weight)
    for split, rows in splits.items():
        if len(rows):
            most = weight[rows].max()
            if most == 0:
                raise InputError(f"data.weight={name}: all weights of the {split} part are 0, nothing would count")
            of_most = weight[rows] / most  # whose sum cannot overflow
            found[rows] = of_most / of_most.mean()
    return found
