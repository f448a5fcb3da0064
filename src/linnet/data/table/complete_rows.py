"""Choose the rows of a table that have all values."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.table.messages import RowLocator, join_names
from linnet.data.table.preprocessing import Missing, refuse_missing
from linnet.data.table.values import Kind, cleaned, is_missing
from linnet.system.errors import InputError


def complete_rows(
    table: pa.Table, kinds: Mapping[str, Kind], missing: Missing, where: RowLocator
) -> tuple[NDArray[np.int64], Counter[str]]:
    """Return the rows to use, and notes on those left out. Raises InputError where missing values are refused."""
    lacking = {name: is_missing(cleaned(table[name])) for name, kind in kinds.items() if kind != "empty"}
    lacking = {name: mask for name, mask in lacking.items() if mask.any()}
    everything = np.arange(table.num_rows)
    if missing == "mean" or not lacking:
        return everything, Counter()
    if missing == "error":
        refuse_missing(
            lacking, where,
            "give data.missing=drop to leave these rows out, or data.missing=mean to put in training means",
        )  # fmt: skip
    incomplete = np.logical_or.reduce(list(lacking.values()))
    if incomplete.all():
        raise InputError(f"data.missing=drop leaves no rows: every row lacks a value of {join_names(lacking, 20)}")
    counts = join_names((f"{name} ({int(mask.sum())})" for name, mask in lacking.items()), 20)
    return everything[~incomplete], Counter({f"left out, they lack {counts}": int(incomplete.sum())})
