"""Convert the values of a column: missing, numbers, booleans, text, dates."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.table.messages import RowLocator, listed
from linnet.data.table.notation import MISSING, PLAIN, Notation
from linnet.system.errors import InputError

Floats = NDArray[np.float64]

Kind = Literal["number", "boolean", "category", "date", "duration", "empty"]
BOOLEANS = ("false", "true")
TRUTH = {"false": 0.0, "true": 1.0, "0": 0.0, "1": 1.0}


def cleaned(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace every missing value by null and strip texts."""
    column = plain(column)
    if is_text(column):
        text = pc.utf8_trim_whitespace(column)
        return pc.if_else(pc.is_in(text, value_set=pa.array(MISSING)), pa.scalar(None, pa.string()), text)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert all text types to one; return other columns unchanged."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        kind = pa.string()
    return column if kind.equals(column.type) else column.cast(kind)


def is_text(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(column.type))


def is_missing(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which values of a cleaned column are missing, `[N]`."""
    return column.is_null().to_numpy()


def kind_of_type(key: str, name: str, kind: pa.DataType) -> Kind:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return "duration"
    if pa.types.is_temporal(kind):
        return "date"
    raise InputError(
        f"{key} holds {kind}, expected numbers, booleans or text: leave it out by data.exclude={listed([name])}"
    )


def as_numbers(key: str, column: pa.ChunkedArray, where: RowLocator, notation: Notation = PLAIN) -> Floats:
    """Convert a cleaned column to float64 `[N]`, NaN where missing.

    Args:
        key: of the column, for messages.
        column: of numbers, or of text in this notation.
        where: says where its rows are.
        notation: how its numbers are written.

    Raises:
        InputError: naming the rows that are no numbers, or infinite.
    """
    if is_text(column):
        values = _numbers_in(key, column, where, notation)
    elif pa.types.is_boolean(column.type) or (
        kind_of_type(key, key, column.type) != "number" and not _is_empty(column)
    ):
        raise InputError(f"{key}: expected numbers, found {column.type}")
    elif pa.types.is_decimal(column.type) or _is_empty(column):
        values = column.cast(pa.float64()).to_numpy().astype(np.float64)
    else:
        values = _from_numeric(column)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise InputError(f"{key} is infinite in {where(infinite.tolist())}: empty or mend these values")
    return values


def as_truth(key: str, column: pa.ChunkedArray, where: RowLocator) -> Floats:
    """Convert a cleaned column of true and false, or 1 and 0, to 1 and 0 `[N]`, NaN where missing.

    Raises:
        InputError: naming the rows that are neither.
    """
    if pa.types.is_boolean(column.type):
        return column.cast(pa.float64()).to_numpy().astype(np.float64)
    if is_text(column):
        codes = pc.index_in(pc.utf8_lower(column), value_set=pa.array(list(TRUTH)))
        found = np.array([*TRUTH.values(), np.nan])[pc.fill_null(codes, len(TRUTH)).to_numpy()]
        wrong = np.isnan(found) & ~is_missing(column)
        values: Floats = found
    else:
        values = as_numbers(key, column, where)
        wrong = ~np.isin(values, (0.0, 1.0)) & ~np.isnan(values)
    if wrong.any():
        raise InputError(f"{key}: expected true or false, found {examples(column, wrong, where)}")
    return values


def as_text(key: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert a cleaned column to text. Typed fractions are written as in `linnet.data.table.levels`."""
    if is_text(column):
        return column
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type) or _is_empty(column):
        return column.cast(pa.string())
    if kind_of_type(key, key, column.type) != "number":
        raise InputError(f"{key}: expected text, found {column.type}")
    texts = [None if value is None else str(value).removesuffix(".0") for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def whole_numbers(key: str, column: pa.ChunkedArray, where: RowLocator, notation: Notation = PLAIN) -> Floats | None:
    """Return the values of a cleaned column without missing ones `[N]`; None if they are not all whole numbers."""
    if is_text(column):
        if parsed_numbers(column, notation) is None and notation.plain_numbers(column).null_count:
            return None
    elif pa.types.is_boolean(column.type) or kind_of_type(key, key, column.type) != "number":
        return None
    values = as_numbers(key, column, where, notation)
    return values if (values % 1 == 0).all() else None


def _is_empty(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_null(column.type))


def matches(column: pa.ChunkedArray, pattern: str) -> NDArray[np.bool_]:
    return pc.fill_null(pc.match_substring_regex(column, pattern), False).to_numpy()


def parsed_numbers(column: pa.ChunkedArray, notation: Notation = PLAIN) -> Floats | None:
    """Parse a text column with Arrow's cast, many times as fast as a pattern; None if a value is no finite number.

    None as well where the notation is not Arrow's.
    """
    if not notation.is_plain:
        return None
    try:
        values = np.array(column.cast(pa.float64()).to_numpy(), np.float64)
    except pa.ArrowInvalid:
        return None
    return values if np.isfinite(values).sum() == len(column) - column.null_count else None


def _numbers_in(key: str, column: pa.ChunkedArray, where: RowLocator, notation: Notation) -> Floats:
    """Parse the numbers of a text column in any spelling, infinite ones included."""
    values = parsed_numbers(column, notation)
    if values is None:
        numbers = notation.plain_numbers(column)
        wrong = is_missing(numbers) & ~is_missing(column)
        if wrong.any():
            raise InputError(f"{key}: expected numbers, found {examples(column, wrong, where)}")
        values = parsed_numbers(numbers)
        if values is None:
            values = np.array([np.nan if value is None else float(value) for value in numbers.to_pylist()])
    return values


def _from_numeric(column: pa.ChunkedArray) -> Floats:
    """Convert numbers by numpy, which rounds integers beyond 2⁵³; Arrow refuses to."""
    parts = [chunk.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64) for chunk in column.chunks]
    values = np.concatenate(parts) if parts else np.zeros(0)
    values[is_missing(column)] = np.nan
    return values


def examples(column: pa.ChunkedArray, chosen: NDArray[np.bool_], where: RowLocator) -> str:
    """Format the first value and the rows of all: `'abc' in row 3 of a.csv`."""
    rows = np.flatnonzero(chosen)
    first = " ".join(str(column[int(rows[0])].as_py())[:40].splitlines())
    return f"'{first}' in {where(rows.tolist())}"
