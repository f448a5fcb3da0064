"""Columns of a table, the features that they become, and the unique names of these."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.table.dates import Order, as_days
from linnet.data.table.levels import as_levels
from linnet.data.table.messages import RowLocator
from linnet.data.table.notation import PLAIN, Notation
from linnet.data.table.values import Floats, as_numbers, as_truth, cleaned, is_missing

OTHER = "(other)"
SUCH_AS = " (such as "
"""What follows is an example: notes that differ in it only are one note."""


@dataclass(frozen=True)
class Column:
    """One column of the table, and the features that it becomes.

    name: in the table.
    kind: "number" or "boolean", one feature; "category", one feature a level, 1 where the value is this level.
    mean: of the training values, stands in for missing ones; None: of a category, or where missing values are refused.
    indicator: whether a further feature is 1 where the value is missing.
    levels: of a category, sorted.
    by_value: whether the levels are numbers, so that `3` and `3.0` are one of them.
    plain: whether numbers in text are written as computers do, whatever the notation of the table.
    date: of a number that is made of dates, in which order they are written.
    other: whether a last level stands for all others, those too rare in training among them.
    """

    name: str
    kind: Literal["number", "boolean", "category"]
    mean: float | None = None
    indicator: bool = False
    levels: tuple[str, ...] = ()
    other: bool = False
    by_value: bool = False
    plain: bool = False
    date: Order | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Names, in their order: `age`, `age missing`; `city=Oslo`, `city=Rome`, `city=(other)`."""
        levels = (*self.levels, OTHER) if self.other else self.levels
        own = tuple(f"{self.name}={level}" for level in levels) if self.kind == "category" else (self.name,)
        return (*own, f"{self.name} missing") if self.indicator else own

    def numbers(self, values: pa.ChunkedArray, where: RowLocator, notation: Notation) -> Floats:
        """Return the cleaned values of a column of numbers, booleans or dates as numbers `[N]`, NaN where missing."""
        key = f"column {self.name}"
        if self.date is not None:
            return as_days(key, values, self.date, where)
        if self.kind == "boolean":
            return as_truth(key, values, where)
        return as_numbers(key, values, where, PLAIN if self.plain else notation)


def fill(
    x: Floats, column: Column, values: pa.ChunkedArray, where: RowLocator, row_notes: Counter[str], notation: Notation
) -> NDArray[np.bool_]:
    """Write the features of one column into x `[N, features]`; returns which values are missing `[N]`."""
    values = cleaned(values)
    missing = is_missing(values)
    if column.kind == "category":
        texts = as_levels(f"column {column.name}", values, column.by_value)
        _one_hot(x, column, texts, missing, row_notes)
    else:
        numbers = column.numbers(values, where, notation)
        x[:, 0] = numbers if column.mean is None else np.where(missing, column.mean, numbers)
    if column.indicator:
        x[:, -1] = missing
    return missing


def _one_hot(
    x: Floats, column: Column, texts: pa.ChunkedArray, missing: NDArray[np.bool_], row_notes: Counter[str]
) -> None:
    codes = pc.fill_null(pc.index_in(texts, value_set=pa.array(column.levels, pa.string())), -1).to_numpy().copy()
    unseen = (codes < 0) & ~missing
    if column.other:
        codes[unseen] = len(column.levels)
    elif unseen.any():
        first = texts[int(unseen.argmax())].as_py()
        row_notes[
            f"column {column.name}: no level of the training data, counts as none of them{SUCH_AS}'{first}')"
        ] += int(unseen.sum())
    rows = np.flatnonzero(codes >= 0)
    x[rows, codes[rows]] = 1


RESERVED = "bias"
"""What results call the constant term."""


def distinct_names(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the names of all features, in their order, each on one line.

    Names that would be the same, as of level `x` of category `c` and of a column `c=x`, are `c='x'` and `c=x`; a column
    `bias` is `bias (column)`.
    """
    usual = [name for column in columns for name in column.features]
    counts = Counter([*usual, RESERVED])
    names: list[str] = []
    taken = {name for name in usual if counts[name] == 1} | {RESERVED}
    for column in columns:
        for i, name in enumerate(column.features):
            if counts[name] > 1:
                level = column.kind == "category" and name != f"{column.name} missing"
                own = i == 0 and column.kind != "category"
                rest = name.removeprefix(column.name)
                clear = f"{column.name}='{rest[1:]}'" if level else name if own else f"{column.name} (missing)"
                while clear in taken:
                    clear += " (column)"
                taken.add(clear)
                name = clear
            names.append(" ".join(name.splitlines()))
    return tuple(names)


def renamed(columns: Sequence[Column]) -> list[str]:
    """Return one note per feature that was renamed because its usual name is taken."""
    usual = [name for column in columns for name in column.features]
    return [
        f"feature {was} is called {name} in results, since another has that name"
        for was, name in zip(usual, distinct_names(columns), strict=True)
        if name != " ".join(was.splitlines())
    ]
