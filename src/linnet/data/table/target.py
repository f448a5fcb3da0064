"""The target column: reading it, and inferring regression or classification."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.table.column_types import kind_of
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.levels import are_numbers, as_levels, sorted_levels
from linnet.data.table.messages import RowLocator, count_words, join_names, require_column
from linnet.data.table.notation import PLAIN, Notation, make_notation
from linnet.data.table.preprocessing import Missing, Target
from linnet.data.table.read import read
from linnet.data.table.values import (
    BOOLEANS,
    Floats,
    as_numbers,
    as_truth,
    cleaned,
    is_missing,
    is_text,
    parsed_numbers,
    whole_numbers,
)  # fmt: skip
from linnet.system.errors import InputError

Task = Literal["regression", "classification"]
FEW = 20
ROWS_PER_VALUE = 5
"""Whole numbers of at most so many values, each of them that of at least so many rows on average, are classes."""

OTHERWISE = "or data.task=classification if they are names of classes"


class Targets(NamedTuple):
    """The values of the target.

    y: numbers `[N]` float64, or indices of classes `[N]` int64.
    either: whether the column holds whole numbers, so that it could be of either task.
    """

    target: Target
    y: Floats | NDArray[np.int64]
    either: bool


def infer_task(
    path: str | Sequence[str],
    target: str,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    strip: Sequence[str] = (),
    missing_tokens: Sequence[str] = (),
    missing: Missing = "error",
    comment: str | None = None,
    skip_rows: int = 0,
) -> Task:
    """Infer whether the target column of these files holds numbers or classes. Imports no torch.

    Text, true and false, and whole numbers of few values are classes. The options are those of
    `linnet.data.sources.table.table_rows`.

    Raises:
        InputError: as `linnet.data.table.read.read` does, and if there is no such column, or it cannot be a target.
    """
    rows = read("data.path", path, CsvFormat(delimiter, encoding, comment, skip_rows), (target,))
    require_column("data.target", target, rows.table.column_names, str(rows.files[0]))
    notation = make_notation(decimal, thousands, strip, missing_tokens)
    column = notation.without_tokens(rows.table.select([target]))[target]
    where: RowLocator = rows.where
    if missing == "drop":
        column, where = with_target(column, where)
    return read_target(column, target, None, where, notation).target.task


def with_target(column: pa.ChunkedArray, where: RowLocator) -> tuple[pa.ChunkedArray, RowLocator]:
    """Return the target's values that are not missing, and a locator of their rows."""
    kept = np.flatnonzero(~is_missing(cleaned(column)))
    return column.take(pa.array(kept)), lambda rows: where([int(kept[row]) for row in rows])


def read_target(
    column: pa.ChunkedArray, name: str, task: Task | None, where: RowLocator, notation: Notation = PLAIN
) -> Targets:
    """Read the values of the target.

    Args:
        column: as read.
        task: None: as `infer_task` says.
        where: says where its rows are.
        notation: how its numbers are written.

    Raises:
        InputError: if values are missing, not of the task's kind, or all the same.
    """
    key, column = f"target {name}", cleaned(column)
    missing = np.flatnonzero(is_missing(column))
    if len(missing) == len(column):
        raise InputError(f"{key} has no values")
    if len(missing):
        raise InputError(
            f"{key} is missing in {where(missing.tolist())}: remove rows that cannot be learned from, {len(missing)} "
            f"of {len(column)}, or give data.missing=drop"
        )
    notation = notation.of_column(column)
    if task is None:
        task = _infer(key, name, column, where, notation)
    elif task == "regression" and is_text(column) and parsed_numbers(column, notation) is None:
        kind_of(key, name, column, where, OTHERWISE, notation)  # which names the options that would read it
    return (
        _classes(key, name, column, where) if task == "classification" else _numbers(key, name, column, where, notation)
    )


def _infer(key: str, name: str, column: pa.ChunkedArray, where: RowLocator, notation: Notation) -> Task:
    kind = kind_of(key, name, column, where, OTHERWISE, notation)
    if kind == "duration":
        raise InputError(
            f"{key} holds times or durations, which cannot be predicted: make it a number, such as seconds"
        )
    if kind == "date":
        raise InputError(f"{key} holds dates, which cannot be predicted: make it a number, such as days since a day")
    if kind != "number":
        return "classification"
    if whole_numbers(key, column, where, notation) is None:
        return "regression"
    n_values = len(as_levels(key, column, are_numbers(column)).unique())  # of any size, where float64 rounds
    few = n_values <= min(FEW, len(column) / ROWS_PER_VALUE)
    return "classification" if few else "regression"


def number_targets(key: str, column: pa.ChunkedArray, where: RowLocator, notation: Notation = PLAIN) -> Floats:
    """Convert a cleaned column to numbers `[N]`, NaN where missing; true and false become 1 and 0."""
    if pa.types.is_boolean(column.type):
        return as_truth(key, column, where)
    return as_numbers(key, column, where, notation.of_column(column))


def _numbers(key: str, name: str, column: pa.ChunkedArray, where: RowLocator, notation: Notation) -> Targets:
    values = number_targets(key, column, where, notation)
    if values.min() == values.max():
        raise InputError(f"{key} is {values[0]:g} in all rows: there is nothing to predict")
    return Targets(Target(name, "regression"), values, whole_numbers(key, column, where, notation) is not None)


def class_labels(key: str, column: pa.ChunkedArray, where: RowLocator) -> tuple[list[str], NDArray[np.int64], bool]:
    """Return the sorted class names of a cleaned column, each row's index `[N]`, and whether they are whole numbers."""
    by_value = are_numbers(column)
    texts = as_levels(key, column, by_value)
    lower = pc.utf8_lower(texts)
    texts = lower if pc.all(pc.is_in(lower, value_set=pa.array(BOOLEANS))).as_py() else texts
    names = sorted_levels(texts.unique().to_pylist(), by_value)
    y = pc.index_in(texts, value_set=pa.array(names)).to_numpy()
    return names, y.astype(np.int64), whole_numbers(key, column, where) is not None


def _classes(key: str, name: str, column: pa.ChunkedArray, where: RowLocator) -> Targets:
    names, y, whole = class_labels(key, column, where)
    if len(names) == 1:
        raise InputError(f"{key} has one class only, '{names[0]}': there is nothing to tell apart")
    if 2 * len(names) > len(column):
        raise InputError(
            f"{key} has {len(names)} classes in {count_words(len(column), 'row')} ({join_names(names)}): is it the "
            f"right column? For numbers give data.task=regression"
        )
    return Targets(Target(name, "classification", tuple(names)), y, whole)
