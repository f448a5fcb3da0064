"""Example weights from a column."""

import numpy as np
import pyarrow as pa

from linnet.data.table.naming import Where
from linnet.data.table.values import Floats, as_numbers, cleaned
from linnet.errors import InputError


def example_weights(column: pa.ChunkedArray, name: str, where: Where) -> Floats:
    """The weight of each row `[N]`, at least 0.

    Raises:
        InputError: naming the rows whose weight is missing, no number, infinite or negative; or if all are 0.
    """
    key = f"data.weight={name}"
    weight = as_numbers(key, cleaned(column), where)
    for wrong, what in ((np.isnan(weight), "missing"), (weight < 0, "negative")):
        if wrong.any():
            raise InputError(f"{key}: the weight is {what} in {where(np.flatnonzero(wrong).tolist())}")
    if not weight.any():
        raise InputError(f"{key}: all weights are 0, nothing would count")
    return weight
