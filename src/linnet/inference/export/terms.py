"""A linear map on the columns of a table as a sum of one term per column, and the values of the columns."""

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.table.column import Column
from linnet.data.table.levels import CANONICAL, canonical
from linnet.data.table.messages import row_words
from linnet.data.table.notation import MISSING
from linnet.data.table.preprocessing import Preprocessing
from linnet.data.table.values import cleaned, plain
from linnet.inference.predictor import Predictor

Floats = NDArray[np.float64]
Inputs = Mapping[str, NDArray[Any]]
"""Column -> values `[N]`: float64 with NaN where it is missing; of a category as they stand in the table: text, perhaps
with blanks around it, a text that stands for a missing value, or a number; None where the table says so."""


class Term(NamedTuple):
    """The contribution of a column to the C scores.

    own: `[C, 1]` times the number, or `[C, levels]`, one of them.
    other: `[C]` of a level that is none of those.
    missing: `[C]` where the value is missing, besides the mean of a number that stands in for it.
    """

    column: Column
    own: Floats
    other: Floats
    missing: Floats


def terms(predictor: Predictor) -> list[Term]:
    """Return the terms of the columns in their order, of a model of tables; zeros where the model does not use them."""
    assert predictor.table is not None
    found, start = [], 0
    nothing = np.zeros(predictor.n_outputs)
    for column in predictor.table.columns:
        weight = predictor.weight[:, start : start + len(column.features)]
        n_own = len(column.levels) if column.kind == "category" else 1
        other = weight[:, n_own] if column.other else nothing
        missing = weight[:, -1] if column.indicator else nothing
        found.append(Term(column, weight[:, :n_own], other, missing))
        start += len(column.features)
    return found


def typed(preprocessing: Preprocessing, table: pa.Table) -> dict[str, NDArray[Any]]:
    """Return the columns of a table, as read, as inputs of an exported model.

    Raises:
        InputError: naming rows whose values are of another kind.
    """
    inputs: dict[str, NDArray[Any]] = {}
    table = preprocessing.notation.without_tokens(table)
    for column in preprocessing.columns:
        values = table[column.name]
        if column.kind == "category":
            inputs[column.name] = np.array(plain(values).to_pylist(), object)
        else:
            inputs[column.name] = column.numbers(cleaned(values), row_words, preprocessing.notation)
    return inputs


def level(value: Any, by_value: bool, missing_texts: Collection[str] = MISSING) -> str | None:
    """Return the text that a value of a category is compared by, None if it is missing.

    What `linnet.data.table.levels` does to columns, for one value.
    """
    if value is None or value != value:
        return None
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else canonical(str(value))
    text = value.strip()
    if text in missing_texts:
        return None
    return canonical(text) if by_value and re.fullmatch(CANONICAL, text) else text
