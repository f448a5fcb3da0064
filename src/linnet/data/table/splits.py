"""Training, validation and test rows of a table, by files, by a column, or drawn."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.split import PARTS, Rows, hold_out
from linnet.data.table.messages import RowLocator, join_names
from linnet.data.table.values import as_text, cleaned, is_missing
from linnet.system.errors import InputError

Parts = Mapping[str, Rows]


def labelled(column: pa.ChunkedArray, name: str, where: RowLocator) -> NDArray[np.str_]:
    """The part of each row as a split column names it, "train", "val" or "test" `[N]`.

    Raises:
        InputError: naming the rows that say something else.
    """
    key = f"data.split_column={name}"
    texts = np.array([(text or "").lower() for text in as_text(key, cleaned(column)).to_pylist()])
    wrong = np.flatnonzero(~np.isin(texts, list(PARTS)))
    if len(wrong):
        raise InputError(f"{key}: '{texts[wrong[0]]}' in {where(wrong.tolist())}, expected {join_names(PARTS)}")
    return np.array([PARTS[text] for text in texts])


def group_codes(column: pa.ChunkedArray, name: str, where: RowLocator) -> NDArray[np.int64]:
    """The index of each row's group `[N]`. Raises InputError where a row has none."""
    values = cleaned(column)
    missing = np.flatnonzero(is_missing(values))
    if len(missing):
        raise InputError(f"data.group={name}: the group is missing in {where(missing.tolist())}")
    try:
        return values.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    except pa.ArrowException as error:
        raise InputError(f"data.group={name}: {column.type} cannot name groups, expected text or numbers") from error


def assign(
    rows: Rows,
    given: NDArray[np.str_] | None,
    test_fraction: float,
    val_fraction: float,
    classes: NDArray[np.int64] | None,
    groups: NDArray[np.int64] | None,
    seed: int,
) -> Parts:
    """The rows of each part, sorted; every row is in exactly one.

    Args:
        rows: to share out.
        given: the part of each row of the table, where files or a column say so; validation rows are drawn from the
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
    parts = {"train": train, "val": val, "test": test}
    shared = np.sort(np.concatenate(list(parts.values())))
    assert np.array_equal(shared, rows), "every row is in exactly one part"
    return parts


def check_groups(parts: Parts, groups: NDArray[np.int64], name: str, where: RowLocator) -> None:
    """Raise InputError if rows of one group are in two parts, as given files or a split column may have it."""
    for one, other in (("train", "test"), ("train", "val"), ("val", "test")):
        both = np.intersect1d(groups[parts[one]], groups[parts[other]])
        if len(both):
            rows = [int(parts[part][groups[parts[part]] == both[0]][0]) for part in (one, other)]
            raise InputError(
                f"data.group={name}: a group is in the {one} part ({where(rows[:1])}) and in the {other} part "
                f"({where(rows[1:])})"
            )


def check_classes(parts: Parts, y: NDArray[np.int64], class_names: tuple[str, ...], where: RowLocator) -> None:
    """Raise InputError if a class occurs that no training row has."""
    for part in ("val", "test"):
        unseen = np.setdiff1d(y[parts[part]], y[parts["train"]])
        if len(unseen):
            rows = parts[part][np.isin(y[parts[part]], unseen)]
            raise InputError(
                f"the {part} part has {join_names(class_names[k] for k in unseen)} ({where(rows.tolist())}), which no "
                f"training row has: add such rows to training, or remove these"
            )
