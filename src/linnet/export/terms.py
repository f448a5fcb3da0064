"""A linear map on the columns of a table as a sum of one term a column, and the values that the columns may have."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.table.column import Column
from linnet.data.table.naming import Where, row_words
from linnet.data.table.preprocessing import Preprocessing
from linnet.data.table.values import as_numbers, as_text, as_truth, cleaned
from linnet.predictor import Predictor

Floats = NDArray[np.float64]
Inputs = Mapping[str, NDArray[Any]]
"""Column -> values `[N]`: float64 with NaN where it is missing; of a category str, None where it is missing."""


class Term(NamedTuple):
    """What a column adds to the C scores.

    own: `[C, 1]` times the number, or `[C, levels]`, one of them.
    other: `[C]` of a level that is none of those.
    missing: `[C]` where the value is missing, besides the mean of a number that stands in for it.
    """

    column: Column
    own: Floats
    other: Floats
    missing: Floats


def terms(predictor: Predictor) -> list[Term]:
    """Of the columns in their order; zeros where the model makes no difference. Only for models of tables."""
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


def typed(preprocessing: Preprocessing, table: pa.Table, where: Where = row_words) -> dict[str, NDArray[Any]]:
    """The columns of a table as read as the inputs of an exported model.

    Raises:
        InputError: naming rows whose values are of another kind.
    """
    inputs: dict[str, NDArray[Any]] = {}
    for column in preprocessing.columns:
        key, values = f"column {column.name}", cleaned(table[column.name])
        if column.kind == "category":
            inputs[column.name] = np.array(as_text(key, values).to_pylist(), object)
        else:
            inputs[column.name] = (as_numbers if column.kind == "number" else as_truth)(key, values, where)
    return inputs
