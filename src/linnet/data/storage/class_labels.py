"""Class labels in arrays, by value: integers of any type, text, or one-hot rows. Imports no torch."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from linnet.data.given import is_given, require_given
from linnet.data.storage.sharded_arrays import ShardedArray, find_shards
from linnet.data.storage.whole_arrays import TORCH
from linnet.data.table.messages import count_words, join_names
from linnet.system.errors import InputError

AT_ONCE = 1 << 18
"""Labels that are looked at together."""
FEW = 20
ROWS_PER_VALUE = 5
"""Whole numbers in floating point are classes if they have at most so many values, each of them that of at least so
many rows on average; as of tables."""


@dataclass(frozen=True)
class Labels:
    """The classes of the training labels.

    names: of the classes in their order: of numbers by value, of text by letters.
    by_value: whether they are numbers, so that the texts `3` and `3.0` are one class.
    absent: names of classes that only the other splits have. They have no output, and the index of the i-th is −1 − i.
    """

    names: tuple[str, ...]
    by_value: bool
    absent: tuple[str, ...] = field(default=())

    @property
    def are_indices(self) -> bool:
        """Whether the names are 0 … C − 1, and no others occur."""
        return not self.absent and self.names == tuple(map(str, range(len(self.names))))

    def indexed_by(self, y: ShardedArray) -> bool:
        """Return whether targets as they are in the files index the classes."""
        return self.are_indices and y.width == 1 and y.kinds <= set("biuf")

    @cached_property
    def _index(self) -> dict[str, int]:
        absent = {name: -1 - i for i, name in enumerate(self.absent)}
        return absent | {name: i for i, name in enumerate(self.names)}

    def codes(self, key: str, rows: NDArray[Any]) -> NDArray[np.int64]:
        """Return the index of the class of each of the rows `[n]` or `[n, C]`: `[n]`, below 0 for an absent class.

        Raises:
            InputError: if a row is no label, or one that was not there when the files were first read.
        """
        names, index = distinct(key, rows)
        known = [self._index.get(canonical(name) if self.by_value else name) for name in names]
        if None in known:
            raise InputError(f"{key} has the class {names[known.index(None)]}, which was not there when the run began")
        return np.array(known, np.int64)[index]


REMEDY = "; numbers are predicted with model=linear_regression loss=squared_error"


def read_labels(train: ShardedArray, others: Iterable[ShardedArray]) -> Labels:
    """Return the classes of the training labels, and the absent ones of the other splits.

    Raises:
        InputError: if a row is no label, or there is one class only, or nearly as many classes as rows.
    """
    raw = _distinct(train)
    by_value = all(map(is_number, raw))
    names = in_order({canonical(name) for name in raw} if by_value else raw, by_value)
    if len(names) == 1:
        raise InputError(f"{train.key} has one class only, {names[0]}: there is nothing to tell apart")
    labels = Labels(tuple(names), by_value)
    if 2 * len(names) > len(train) and not labels.are_indices:
        raise InputError(
            f"{train.key} has {len(names)} classes in {count_words(len(train), 'row')} ({join_names(names)}): "
            f"for numbers to predict as such give data.task=regression"
        )
    found = {canonical(name) if by_value else name for other in others for name in _distinct(other)}
    absent = found - set(names)
    return Labels(labels.names, by_value, tuple(in_order(absent, by_value and all(map(is_number, absent)))))


def infer_task(y: str) -> Literal["regression", "classification"]:
    """Return what the targets in `data.y` are for: whole numbers of an integer type, text and one-hot rows are classes;
    of floating point also whole numbers of few values.

    Raises:
        InputError: the files cannot be read, or only torch can read them.
    """
    if is_given(y):
        found: Any = require_given(y)
        return _task_of(found.parts["train"][1])
    if y.partition(":")[0].endswith(TORCH):
        raise InputError(
            f"data.y={y}: whether it holds classes or numbers is only seen once torch has read it: give "
            f"data.task=classification or data.task=regression"
        )
    shards = find_shards("data.y", y, text=True)
    if shards.kinds != {"f"}:
        return "classification"
    values: set[float] = set()
    for rows in stretches(shards):
        if is_one_hot(rows):
            continue
        if rows.size != len(rows) or not _whole(rows).all():
            return "regression"
        values |= set(np.unique(rows).tolist())
        if len(values) > min(FEW, len(shards) / ROWS_PER_VALUE):
            return "regression"
    return "regression" if len(values) == 1 else "classification"


def _task_of(y: NDArray[Any]) -> Literal["regression", "classification"]:
    """Return what targets given in Python are for, by the rule of `infer_task`."""
    if y.dtype.kind != "f" or is_one_hot(y):
        return "classification"
    values = np.unique(y)
    few = 1 < len(values) <= min(FEW, len(y) / ROWS_PER_VALUE)
    return "classification" if y.size == len(y) and few and _whole(values).all() else "regression"


def distinct(key: str, rows: NDArray[Any], remedy: str = "") -> tuple[list[str], NDArray[np.intp]]:
    """Return the different labels of rows `[n]`, or one-hot `[n, C]`, as text, and the index of each row's among them.

    Args:
        key: of the file, for messages.
        rows: of any type.
        remedy: end of the message where there are numbers that are not whole.

    Raises:
        InputError: naming a row, counted from 0, that is no label.
    """
    if rows.ndim > 1 and rows.size != len(rows):
        if not is_one_hot(rows):
            raise InputError(
                f"{key} has {rows[0].size} numbers a row: expected one label in each, or a single 1 among zeros"
            )
        rows = rows.reshape(len(rows), -1).argmax(axis=1)
    values, index = np.unique(rows.reshape(-1), return_inverse=True)
    if values.dtype.kind == "f" and not (whole := _whole(values)).all():
        wrong = values[~whole][0]
        raise InputError(
            f"the targets in {key} are numbers, {wrong:g} is not whole: classes are whole numbers, text or one-hot "
            f"rows{remedy}"
        )
    try:
        names = [_text(value) for value in values.tolist()]
    except UnicodeDecodeError as error:
        raise InputError(f"{key} holds bytes that are not UTF-8: save the labels as text") from error
    if "" in names:
        rows_without = np.flatnonzero(index == names.index("")).tolist()
        raise InputError(f"{key} has no label in row {join_names(rows_without)} (counted from 0): leave out such rows")
    return names, index.reshape(-1)


def distinct_of(y: ShardedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Return `distinct` of all rows of an array in files."""
    places: dict[str, int] = {}
    index = []
    for rows in stretches(y):
        names, local = distinct(y.key, rows)
        index.append(np.array([places.setdefault(name, len(places)) for name in names])[local])
    return list(places), np.concatenate(index)


def stretches(y: ShardedArray) -> Iterator[NDArray[Any]]:
    """Yield all rows in order, in pieces; an array that can only be read as a whole is one piece."""
    for file in y.files:
        at_once = file.shape[0] if file.offset is None else AT_ONCE
        for start in range(0, file.shape[0], at_once):
            yield file.rows(start, start + at_once)


def is_one_hot(rows: NDArray[Any]) -> bool:
    """Whether each of the rows `[n, C]`, C ≥ 2, is a single 1 among zeros."""
    if rows.ndim != 2 or rows.shape[1] < 2 or rows.dtype.kind not in "fiub":
        return False
    return bool(((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1, dtype=np.int64) == 1).all())


def is_number(name: str) -> bool:
    """Return whether a label is a number in plain notation: no leading zeros."""
    return NUMBER.fullmatch(name) is not None


def canonical(name: str) -> str:
    """Return one text for all that are the same number; any other text as it is."""
    if WHOLE.fullmatch(name) or not is_number(name):
        return name
    from linnet.data.table import levels  # which imports pyarrow

    return levels.canonical(name)


def in_order(names: Iterable[str], by_value: bool) -> list[str]:
    """Return names in the order of their numbers, or of their letters."""
    from decimal import Decimal

    return sorted(names, key=Decimal) if by_value else sorted(names)


NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""As `linnet.data.table.levels.CANONICAL`; a test holds the two together."""
WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)


def _distinct(y: ShardedArray) -> set[str]:
    return {name for rows in stretches(y) for name in distinct(y.key, rows, REMEDY)[0]}


def _whole(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isfinite(values) & (np.floor(values) == values)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode()
    return value.strip() if isinstance(value, str) else str(int(value))


def rows_of_absent(labels: Labels, splits: Iterable[NDArray[np.int64]]) -> dict[str, int]:
    """Return name -> number of rows of each absent class among indices `[n]` of classes."""
    codes = np.concatenate([codes[codes < 0] for codes in splits])
    counts = {name: int((codes == -1 - i).sum()) for i, name in enumerate(labels.absent)}
    return {name: count for name, count in counts.items() if count}
