"""Detect columns that determine the target (target leakage)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.table.levels import are_numbers, as_levels
from linnet.data.table.messages import row_words
from linnet.data.table.values import Floats, Kind, as_numbers, as_truth, cleaned

CORRELATION = 0.999999
"""A linear relation closer than this is a copy in other units."""


def leaks(table: pa.Table, kinds: dict[str, Kind], y: Floats | NDArray[np.int64]) -> list[str]:
    """Return one note per column that copies the target: equal, relabelled one to one, or in other units.

    Args:
        table: the training rows.
        kinds: column -> kind, of the features.
        y: targets `[N]`.
    """
    names, targets = np.unique(y, return_inverse=True)
    found = []
    for name, kind in kinds.items():
        values = cleaned(table[name])
        if values.null_count:
            continue
        how = None
        if kind != "category":
            numbers = (as_truth if kind == "boolean" else as_numbers)(f"column {name}", values, row_words)
            codes = np.unique(numbers, return_inverse=True)[1]
            numeric_target = y.dtype == np.float64 or len(names) == 2
            if numeric_target and len(names) > 1 and abs(_correlation(numbers, y.astype(np.float64))) > CORRELATION:
                how = "is the target, or the target in other units"
        else:
            codes = pc.fill_null(
                as_levels(name, values, are_numbers(values)).combine_chunks().dictionary_encode().indices, -1
            ).to_numpy()
        if how is None and _one_to_one(codes, targets):
            how = "is the target under other names"
        if how is not None:
            found.append(
                f"column {name} {how}: if it is not known when predicting, leave it out by data.exclude=[{name}]"
            )
    return found


def _correlation(a: Floats, b: Floats) -> float:
    a, b = _centred(a), _centred(b)
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0


def _centred(values: Floats) -> Floats:
    """Centre and scale values so that their squares are finite."""
    largest = np.abs(values).max()
    values = values / largest if largest > 0 else values
    return values - values.mean()


def _one_to_one(a: NDArray[np.int64], b: NDArray[np.int64]) -> bool:
    """Return whether a and b map one to one, and not only because all values differ."""
    n = int(b.max()) + 1
    if int(a.max()) + 1 != n or n < 2 or 2 * n > len(b):
        return False
    return len(np.unique(a.astype(np.int64) * n + b)) == n
