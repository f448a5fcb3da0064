"""Example weights from a column."""

import numpy as np
import pyarrow as pa

from linnet.data.table.messages import RowLocator
from linnet.data.table.notation import PLAIN, Notation
from linnet.data.table.splits import Splits
from linnet.data.table.values import Floats, as_numbers, cleaned
from linnet.system.errors import InputError


def example_weights(column: pa.ChunkedArray, name: str, where: RowLocator, notation: Notation = PLAIN) -> Floats:
    """Return the weight of each row `[N]`, at least 0.

    Raises:
        InputError: naming the rows whose weight is missing, no number, infinite or negative.
    """
    key = f"data.weight={name}"
    column = cleaned(column)
    weight = as_numbers(key, column, where, notation.of_column(column))
    for wrong, what in ((np.isnan(weight), "missing"), (weight < 0, "negative")):
        if wrong.any():
            raise InputError(f"{key}: the weight is {what} in {where(np.flatnonzero(wrong).tolist())}")
    return weight


def scaled(weight: Floats, name: str, splits: Splits) -> Floats:
    """Divide the weights `[N]` by their mean over each split.

    Raises:
        InputError: if all weights of a split are 0: its mean loss would be NaN.
    """
    found = np.zeros_like(weight)
    for split, rows in splits.items():
        if len(rows):
            most = weight[rows].max()
            if most == 0:
                raise InputError(f"data.weight={name}: all weights of the {split} part are 0, nothing would count")
            of_most = weight[rows] / most  # whose sum cannot overflow
            found[rows] = of_most / of_most.mean()
    return found
