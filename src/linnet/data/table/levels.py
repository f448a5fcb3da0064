"""Convert the levels of a category to text: by value if all are numbers, else unchanged."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linnet.data.table.values import as_text, is_text, matches

CANONICAL = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
"""A number as a computer writes it: no leading zeros, which a number has in codes such as 007 only."""
LONGEST = 40
"""Digits of a whole number that are written out; a larger one is known by its float64."""


def canonical(number: str) -> str:
    """Return the one text of a canonical number: `3` for `3`, `3.0` and `3e0`; the shortest text of a fraction."""
    value = Decimal(number)
    if value == value.to_integral_value() and value.adjusted() < LONGEST:
        return str(int(value))
    return repr(float(value))


def are_numbers(column: pa.ChunkedArray) -> bool:
    """Whether every value of a cleaned column is a number, in canonical spelling where it is text."""
    if not is_text(column):
        return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) or bool(
            pa.types.is_decimal(column.type)
        )
    return bool(matches(column, CANONICAL).sum() == len(column) - column.null_count)


def as_levels(key: str, column: pa.ChunkedArray, by_value: bool) -> pa.ChunkedArray:
    """Convert a cleaned column to text, one text per level.

    Args:
        key: of the column, for messages.
        column: of any type.
        by_value: whether numbers in text are compared by value; those of typed columns always are.
    """
    if is_text(column):
        if not by_value:
            return column
        number = pa.chunked_array([pa.array(matches(column, CANONICAL))])
        return _mapped(column, canonical, only=number)
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        return _mapped(column, lambda value: canonical(str(np.float32(value))))  # 0.1 is 0.1, not 0.10000000149011612
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return _mapped(column, lambda value: canonical(str(value)))
    return as_text(key, column)


def sorted_levels(levels: list[str], by_value: bool) -> list[str]:
    """Return the levels in order: of numbers, if they are compared by value, else of text."""
    return sorted(levels, key=Decimal) if by_value else sorted(levels)


def _mapped(
    column: pa.ChunkedArray, function: Callable[[Any], str], only: pa.ChunkedArray | None = None
) -> pa.ChunkedArray:
    """Map each distinct value of the column by a function; only where `only` is true, if given."""
    values = column.unique() if only is None else pc.filter(column, only).unique()
    texts = pa.array([None if value is None else function(value) for value in values.to_pylist()], pa.string())
    found = pc.take(texts, pc.index_in(column, value_set=values))
    return found if only is None else pc.if_else(only, found, column)
