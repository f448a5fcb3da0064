"""Types of columns: numbers, booleans, categories, dates or times."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.table.messages import RowLocator, count_words
from linnet.data.table.notation import PLAIN, Notation
from linnet.data.table.unknown_notation import like_numbers, missing_option, options_for, stand_for_missing
from linnet.data.table.values import (
    BOOLEANS,
    Kind,
    examples,
    is_missing,
    is_text,
    kind_of_type,
    matches,
    parsed_numbers,
)
from linnet.system.errors import InputError

MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
CLOCK = r"\d{1,4}:\d{2}(:\d{2}([.,]\d+)?)?(\s*(?i:am|pm))?"
ZONE = r"(\s*([A-Z]{1,4}|[+\-−]\d{2}(:?\d{2})?))?(\s*\[[\w/+\-]+\])?"
DATE = (
    r"^(\d{4}-\d{1,2}(-\d{1,2})?|\d{4}/\d{1,2}/\d{1,2}|\d{4}\.\d{1,2}\.\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})|"
    rf"\d{{1,2}}\.?[ -]{MONTH}[ -]\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{4}}|{MONTH}[ -]\d{{4}})([T ]+{CLOCK}{ZONE})?$"
)
DURATION = rf"^[+\-−]?(\d+ days?,? )?{CLOCK}$|" r"^P(\d+[YMWD])*(T(\d+[.,]?\d*[HMS])+)?$"
MOSTLY = 0.5
"""A text column of which at least this part is numbers (or dates) was meant to be one of numbers (or dates)."""
FEW_TOKENS = 3


def kind_of(
    key: str, name: str, column: pa.ChunkedArray, where: RowLocator, otherwise: str, notation: Notation = PLAIN
) -> Kind:
    """Infer the type of a cleaned column.

    Args:
        key: the role of the column for messages, for example "column age".
        name: of the column.
        where: says where its rows are.
        otherwise: what to give if its numbers are names, for messages.
        notation: how its numbers are written.

    Raises:
        InputError: if most of its texts are numbers, perhaps in another notation, and some are not, naming rows and
            options; or its values are lists or the like.
    """
    if column.null_count == len(column):
        return "empty"
    if not is_text(column):
        return kind_of_type(key, name, column.type)
    valid = len(column) - column.null_count
    if parsed_numbers(column, notation) is not None:
        return "number"
    distinct = pa.chunked_array([column.unique()])  # patterns are slow, and categories have few levels
    place = pc.index_in(column, value_set=distinct).to_numpy()
    numbers = ~is_missing(notation.plain_numbers(distinct))[place]
    if numbers.sum() == valid:
        return "number"
    if pc.all(pc.is_in(pc.utf8_lower(distinct.drop_null()), value_set=pa.array(BOOLEANS))).as_py():
        return "boolean"
    tokens = stand_for_missing(distinct)[place] & ~numbers
    stated = valid - int(tokens.sum())  # values, if the tokens are none
    alike = like_numbers(distinct)[place] | numbers
    if alike.any() and alike.sum() >= MOSTLY * stated:
        _refuse_others(key, column, numbers, alike, tokens, where, otherwise, notation)
    if stated and matches(distinct, DATE)[place].sum() >= MOSTLY * stated:
        return "date"
    return "duration" if stated and matches(distinct, DURATION)[place].sum() >= MOSTLY * stated else "category"


def _refuse_others(
    key: str, column: pa.ChunkedArray, numbers: NDArray[np.bool_], alike: NDArray[np.bool_],
    tokens: NDArray[np.bool_], where: RowLocator, otherwise: str, notation: Notation,
) -> None:  # fmt: skip
    """Raise the InputError about a column of which most, but not all, are numbers or look like numbers."""
    foreign = alike & ~numbers
    options = options_for(column.filter(pa.array(alike)).unique(), notation) if foreign.any() else ""
    if options:
        missing = f" {_missing(column, tokens, notation)}" if tokens.any() else ""
        raise InputError(
            f"{key} has {count_words(int(foreign.sum()), 'value')} in another notation of numbers "
            f"({examples(column, foreign, where)}): give {options}{missing} to read them so; {otherwise}"
        )
    others = ~numbers & ~is_missing(column)
    found = (
        f"{key} is numeric but for {int(others.sum())} of its {len(column) - column.null_count} values "
        f"({examples(column, others, where)}): mend or empty them"
    )
    few = len(column.filter(pa.array(others)).unique()) <= FEW_TOKENS and not matches(column, r"\d")[others].any()
    if (few or (others == tokens).all()) and not foreign.any():
        found += f", or give {_missing(column, others, notation)} if they stand for missing values"
    raise InputError(f"{found}; {otherwise}")


def _missing(column: pa.ChunkedArray, tokens: NDArray[np.bool_], notation: Notation) -> str:
    return missing_option(column.filter(pa.array(tokens)).unique().to_pylist(), notation)
