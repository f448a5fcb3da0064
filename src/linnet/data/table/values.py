"""What the values of a column are: missing, numbers, true or false, words, dates."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.table.naming import Where, listed
from linnet.errors import InputError

Kind = Literal["number", "boolean", "category", "date", "empty"]
Floats = NDArray[np.float64]

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL")
"""Texts that stand for a missing value."""
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity)$"
COMMA_NUMBER = r"^[+-]?\d[\d.]*,\d+$"
DATE = r"^(\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})([T ]\d{1,2}:\d{2}.*)?$"
BOOLEANS = ("false", "true")
TRUTH = {"false": 0.0, "true": 1.0, "0": 0.0, "1": 1.0}
MOSTLY = 0.5
"""A text column of which at least this part is numbers (or dates) was meant to be one of numbers (or dates)."""


def cleaned(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with every missing value as null; texts without the blanks around them."""
    if is_text(column):
        text = pc.utf8_trim_whitespace(column)
        return pc.if_else(pc.is_in(text, value_set=pa.array(MISSING)), pa.scalar(None, pa.string()), text)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def is_text(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(column.type))


def is_missing(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Of a cleaned column, `[N]`."""
    return column.is_null().to_numpy()


def kind_of(key: str, name: str, column: pa.ChunkedArray, where: Where) -> Kind:
    """What a cleaned column holds.

    Args:
        key: the role of the column for messages, for example "column age".
        name: of the column.
        where: says where its rows are.

    Raises:
        InputError: if most of its texts are numbers and some are not, naming the rows, or its values are lists or the
            like.
    """
    if column.null_count == len(column):
        return "empty"
    if not is_text(column):
        return _typed(key, name, column.type)
    valid = len(column) - column.null_count
    if _parsed(column) is not None:
        return "number"
    numbers = _matches(column, NUMBER)
    n_numbers = int(numbers.sum())
    if n_numbers == valid:
        return "number"
    commas = _matches(column, COMMA_NUMBER)
    if commas.any() and commas.sum() + n_numbers >= MOSTLY * valid:
        raise InputError(
            f"{key} has numbers with commas ({_examples(column, commas, where)}): write 1234.5, not 1.234,5"
        )
    if n_numbers >= MOSTLY * valid:
        others = ~numbers & ~is_missing(column)
        raise InputError(
            f"{key} is numeric but for {int(others.sum())} of its {valid} values ({_examples(column, others, where)}): "
            f"mend or empty them; or give data.categorical={listed([name])} if they are names of categories"
        )
    if pc.all(pc.is_in(pc.utf8_lower(column.drop_null()), value_set=pa.array(BOOLEANS))).as_py():
        return "boolean"
    return "date" if _matches(column, DATE).sum() >= MOSTLY * valid else "category"


def _typed(key: str, name: str, kind: pa.DataType) -> Kind:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "date"
    raise InputError(
        f"{key} holds {kind}, expected numbers, booleans or text: leave it out by data.exclude={listed([name])}"
    )


def as_numbers(key: str, column: pa.ChunkedArray, where: Where) -> Floats:
    """A cleaned column as float64 `[N]`, NaN where it is missing.

    Raises:
        InputError: naming the rows that are no numbers, or infinite.
    """
    if is_text(column):
        values = _numbers_in(key, column, where)
    elif pa.types.is_boolean(column.type) or (_typed(key, key, column.type) != "number" and not _is_empty(column)):
        raise InputError(f"{key}: expected numbers, found {column.type}")
    elif pa.types.is_decimal(column.type) or _is_empty(column):
        values = column.cast(pa.float64()).to_numpy().astype(np.float64)
    else:
        values = _from_numeric(column)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise InputError(f"{key} is infinite in {where(infinite.tolist())}: empty or mend these values")
    return values


def as_truth(key: str, column: pa.ChunkedArray, where: Where) -> Floats:
    """A cleaned column of true and false, or 1 and 0, as 1 and 0 `[N]`, NaN where it is missing.

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
        raise InputError(f"{key}: expected true or false, found {_examples(column, wrong, where)}")
    return values


def as_text(key: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A cleaned column as words; whole numbers without a point, so that 3, 3.0 and "3" are one."""
    if is_text(column):
        return column
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type) or _is_empty(column):
        return column.cast(pa.string())
    if _typed(key, key, column.type) != "number":
        raise InputError(f"{key}: expected text, found {column.type}")
    texts = [None if value is None else f"{float(value):.17g}" for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def whole_numbers(key: str, column: pa.ChunkedArray, where: Where) -> Floats | None:
    """The values of a cleaned column without missing ones `[N]`; None if they are not all whole numbers."""
    if is_text(column):
        if _parsed(column) is None and not _matches(column, NUMBER).all():
            return None
    elif pa.types.is_boolean(column.type) or _typed(key, key, column.type) != "number":
        return None
    values = as_numbers(key, column, where)
    return values if (values % 1 == 0).all() else None


def refuse_line_breaks(key: str, column: pa.ChunkedArray, where: Where) -> None:
    """Raise InputError if a value spans lines, as one does that swallowed the rows after a quote left open."""
    if is_text(column):
        broken = _has(column, "\n") | _has(column, "\r")
        if broken.any():
            raise InputError(
                f"{key} has a line break within {where(np.flatnonzero(broken).tolist())}: is a quote left open there?"
            )


def _is_empty(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_null(column.type))


def _matches(column: pa.ChunkedArray, pattern: str) -> NDArray[np.bool_]:
    return pc.fill_null(pc.match_substring_regex(column, pattern), False).to_numpy()


def _has(column: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    return pc.fill_null(pc.match_substring(column, text), False).to_numpy()


def _parsed(column: pa.ChunkedArray) -> Floats | None:
    """The numbers of a text column if Arrow takes all its values for finite ones: many times as fast as a pattern."""
    try:
        values = np.array(column.cast(pa.float64()).to_numpy(), np.float64)
    except pa.ArrowInvalid:
        return None
    return values if np.isfinite(values).sum() == len(column) - column.null_count else None


def _numbers_in(key: str, column: pa.ChunkedArray, where: Where) -> Floats:
    """The numbers of a text column in any spelling, infinite ones among them."""
    values = _parsed(column)
    if values is None:
        wrong = ~_matches(column, NUMBER) & ~is_missing(column)
        if wrong.any():
            raise InputError(f"{key}: expected numbers, found {_examples(column, wrong, where)}")
        values = np.array([np.nan if value is None else float(value) for value in column.to_pylist()])
    return values


def _from_numeric(column: pa.ChunkedArray) -> Floats:
    """Arrow refuses to round whole numbers beyond 2⁵³, numpy does not."""
    parts = [chunk.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64) for chunk in column.chunks]
    values = np.concatenate(parts) if parts else np.zeros(0)
    values[is_missing(column)] = np.nan
    return values


def _examples(column: pa.ChunkedArray, chosen: NDArray[np.bool_], where: Where) -> str:
    """`'abc' in row 3 of a.csv`: the first value, and the rows of all."""
    rows = np.flatnonzero(chosen)
    return f"'{str(column[int(rows[0])].as_py())[:40]}' in {where(rows.tolist())}"
