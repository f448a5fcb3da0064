"""What a column holds: numbers, true and false, names of categories, or dates."""

import pyarrow as pa
import pyarrow.compute as pc

from linnet.data.table.naming import Where, listed
from linnet.data.table.values import (
    BOOLEANS,
    NUMBER,
    Kind,
    examples,
    is_missing,
    is_text,
    kind_of_type,
    matches,
    parsed_numbers,
)
from linnet.errors import InputError

COMMA_NUMBER = r"^[+-]?\d[\d.]*,\d+$"
DATE = r"^(\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})([T ]\d{1,2}:\d{2}.*)?$"
MOSTLY = 0.5
"""A text column of which at least this part is numbers (or dates) was meant to be one of numbers (or dates)."""


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
        return kind_of_type(key, name, column.type)
    valid = len(column) - column.null_count
    if parsed_numbers(column) is not None:
        return "number"
    numbers = matches(column, NUMBER)
    n_numbers = int(numbers.sum())
    if n_numbers == valid:
        return "number"
    commas = matches(column, COMMA_NUMBER)
    if commas.any() and commas.sum() + n_numbers >= MOSTLY * valid:
        raise InputError(
            f"{key} has numbers with commas ({examples(column, commas, where)}): write 1234.5, not 1.234,5"
        )
    if n_numbers >= MOSTLY * valid:
        others = ~numbers & ~is_missing(column)
        raise InputError(
            f"{key} is numeric but for {int(others.sum())} of its {valid} values ({examples(column, others, where)}): "
            f"mend or empty them; or give data.categorical={listed([name])} if they are names of categories"
        )
    if pc.all(pc.is_in(pc.utf8_lower(column.drop_null()), value_set=pa.array(BOOLEANS))).as_py():
        return "boolean"
    return "date" if matches(column, DATE).sum() >= MOSTLY * valid else "category"
