"""A `Preprocessing` from the training rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from linnet.data.table.column import Column
from linnet.data.table.naming import Where, row_words, some
from linnet.data.table.preprocessing import Missing, Preprocessing, Target
from linnet.data.table.values import Kind, as_numbers, as_text, as_truth, cleaned
from linnet.errors import InputError


def fit(
    table: pa.Table,
    kinds: Mapping[str, Kind],
    target: Target,
    missing: Missing,
    min_count: int,
    ignored: Sequence[str] = (),
    where: Where = row_words,
) -> Preprocessing:
    """Means and levels of the training rows.

    Args:
        table: the training rows.
        kinds: column -> kind, of the columns that are to become features, in their order.
        min_count: a level of a category with fewer training rows is counted among the others.
        ignored: columns with another role, or none.
        where: says where the rows are.

    Raises:
        InputError: if no column is left.
    """
    columns: list[Column] = []
    dropped: list[tuple[str, str]] = []
    for name, kind in kinds.items():
        values = cleaned(table[name])
        found = (
            "has no values"
            if values.null_count == len(values)
            else _category(name, values, missing, min_count)
            if kind == "category"
            else _number(name, kind, values, missing, where)
        )
        if isinstance(found, str):
            dropped.append((name, found))
        else:
            columns.append(found)
    if not columns:
        reasons = some((f"{name} {why}" for name, why in dropped), 20) or "there is none beside the target"
        raise InputError(f"no column is left to predict {target.name} from: {reasons}")
    return Preprocessing(tuple(columns), target, missing, tuple(dropped), tuple(ignored))


def _number(name: str, kind: Kind, values: pa.ChunkedArray, missing: Missing, where: Where) -> Column | str:
    """The column, or why it tells nothing."""
    numbers = (as_truth if kind == "boolean" else as_numbers)(f"column {name}", values, where)
    present = numbers[~np.isnan(numbers)]
    if present.min() == present.max():
        return f"is always {present[0]:g} in the training part"
    filled = missing == "mean"
    return Column(
        name,
        "boolean" if kind == "boolean" else "number",
        mean=float(present.mean()) if filled else None,
        indicator=filled and len(present) < len(numbers),
    )


def _category(name: str, values: pa.ChunkedArray, missing: Missing, min_count: int) -> Column | str:
    counts = {pair["values"]: pair["counts"] for pair in as_text(f"column {name}", values).value_counts().to_pylist()}
    counts.pop(None, None)
    levels = tuple(sorted(level for level, count in counts.items() if count >= min_count))
    if len(counts) == 1:
        return f"is always '{next(iter(counts))}' in the training part"
    if not levels:
        return f"has {len(counts)} levels, none with {min_count} rows in the training part (data.min_count)"
    indicator = missing == "mean" and values.null_count > 0
    return Column(name, "category", indicator=indicator, levels=levels, other=len(levels) < len(counts))
