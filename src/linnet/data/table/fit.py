"""Fit a `Preprocessing` to the training rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from linnet.data.standardizer import is_constant
from linnet.data.table.column import Column
from linnet.data.table.dates import as_days, order_of
from linnet.data.table.levels import are_numbers, as_levels, sorted_levels
from linnet.data.table.messages import RowLocator, join_names, row_words
from linnet.data.table.notation import PLAIN, Notation
from linnet.data.table.preprocessing import Missing, Preprocessing, Target
from linnet.data.table.values import Floats, Kind, as_numbers, as_truth, cleaned
from linnet.system.errors import InputError


def fit(
    table: pa.Table,
    kinds: Mapping[str, Kind],
    target: Target,
    missing: Missing,
    min_count: int,
    ignored: Sequence[str] = (),
    where: RowLocator = row_words,
    weight: Floats | None = None,
    keep_constant: bool = False,
    notation: Notation = PLAIN,
    plain: Collection[str] = (),
    day_first: bool | None = None,
) -> Preprocessing:
    """Fit the means and levels of the training rows.

    Args:
        table: the training rows, those of weight 0 left out.
        kinds: column -> kind, of the columns that are to become features, in their order.
        min_count: a level of a category with fewer training rows is counted among the others.
        ignored: columns with another role, or none.
        where: says where the rows are.
        weight: of the rows, above 0, for the means; None: all the same.
        keep_constant: keep a number that is always the same: to a model without a bias it stands for one.
        notation: of the texts that the rows were read from; the columns are numbers where they are not plain.
        plain: columns of plain numbers in a table of another notation.
        day_first: as `order_of` takes it.

    Raises:
        InputError: if no column is left.
    """
    weight = np.ones(table.num_rows) if weight is None else weight
    columns: list[Column] = []
    dropped: list[tuple[str, str]] = []
    for name, kind in kinds.items():
        values = cleaned(table[name])
        found = (
            "has no values"
            if values.null_count == len(values)
            else _category(name, values, missing, min_count)
            if kind == "category"
            else _number(name, kind, values, missing, where, weight, keep_constant, day_first)
        )
        if isinstance(found, str):
            dropped.append((name, found))
        else:
            columns.append(replace(found, plain=name in plain))
    if not columns:
        reasons = join_names((f"{name} {why}" for name, why in dropped), 20) or "there is none beside the target"
        raise InputError(f"no column is left to predict {target.name} from: {reasons}")
    return Preprocessing(tuple(columns), target, missing, tuple(dropped), tuple(ignored), notation)


def _number(
    name: str, kind: Kind, values: pa.ChunkedArray, missing: Missing, where: RowLocator, weight: Floats,
    keep_constant: bool, day_first: bool | None,
) -> Column | str:  # fmt: skip
    """Return the column, or the reason to leave it out."""
    key, date = f"column {name}", None
    if kind == "date":
        date = order_of(key, name, values, day_first, where)
        numbers = as_days(key, values, date, where)
    else:
        numbers = (as_truth if kind == "boolean" else as_numbers)(key, values, where)
    known = ~np.isnan(numbers)
    present = numbers[known]
    if is_constant(float(present.min()), float(present.max())) and not keep_constant:
        return f"is always {present[0]:g} in the training part"
    filled = missing == "mean"
    return Column(
        name,
        "boolean" if kind == "boolean" else "number",
        mean=float(np.average(present, weights=weight[known])) if filled else None,
        indicator=filled and len(present) < len(numbers),
        date=date,
    )


def _category(name: str, values: pa.ChunkedArray, missing: Missing, min_count: int) -> Column | str:
    by_value = are_numbers(values)
    texts = as_levels(f"column {name}", values, by_value)
    counts = {pair["values"]: pair["counts"] for pair in texts.value_counts().to_pylist()}
    counts.pop(None, None)
    levels = tuple(sorted_levels([level for level, count in counts.items() if count >= min_count], by_value))
    if len(counts) == 1:
        return f"is always '{next(iter(counts))}' in the training part"
    if not levels:
        return f"has {len(counts)} levels, none with {min_count} rows in the training part (data.min_count)"
    indicator = missing == "mean" and values.null_count > 0
    return Column(
        name, "category", indicator=indicator, levels=levels, other=len(levels) < len(counts), by_value=by_value
    )
