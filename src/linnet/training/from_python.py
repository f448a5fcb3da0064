"""A call of `linnet.train` in Python: its data, and its options as overrides."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from linnet.config.python_options import overrides_of, value_text
from linnet.data.table.from_python import (
    column,
    combine,
    features,
    free_name,
    numeric_categories,
    same_length,
)
from linnet.data.table.given import GivenTable, given
from linnet.data.table.messages import require_column
from linnet.system.errors import InputError

if TYPE_CHECKING:
    from linnet.training.finalize import FinishedRun

WEIGHT = "sample_weight"


def train_in_python(
    data: Any, y: Any, overrides: Any, options: Mapping[str, Any], *, val: Any, test: Any, sample_weight: Any
) -> "FinishedRun":
    """Train one run; see `linnet.train`."""
    from linnet.training.train import train

    if is_overrides(data):
        if len(data) and overrides is not None and len(overrides):
            raise InputError("overrides were given twice: as the first argument and by name")
        for name, value in {"y": y, "val": val, "test": test, WEIGHT: sample_weight}.items():
            if value is not None:
                raise InputError(f"{name} is of data given in Python, and the first argument gives none")
        return train(overrides_of(data if len(data) else (overrides or ()), options))
    words = overrides_of(overrides or (), options)
    with given_data(data, y, val=val, test=test, sample_weight=sample_weight) as more:
        return train([*more, *words])


def is_overrides(first: Any) -> bool:
    """Return whether the first argument of a call is overrides, and not data."""
    if isinstance(first, (str, Mapping)):
        return True
    return isinstance(first, Sequence) and all(isinstance(word, str) for word in first)


@contextmanager
def given_data(
    x: Any, y: Any = None, *, val: Any = None, test: Any = None, sample_weight: Any = None
) -> Iterator[list[str]]:
    """Make data given in Python readable inside the block, whose value is the overrides that choose it.

    Args:
        x: features: a frame, or an array `[n, D]`.
        y: targets `[n]`, or the name of the frame's target column.
        val, test: pairs of the same; None: they are drawn.
        sample_weight: how much each training example counts `[n]`; None: all the same.

    Raises:
        InputError: they do not fit together, or are of another type.
    """
    pairs = {split: _pair(split, pair) for split, pair in (("val", val), ("test", test)) if pair is not None}
    train = features("X", x)
    target = _name(train, y)
    weight = None if sample_weight is None else free_name(WEIGHT, [*train.column_names, target])
    parts = {"train": _with(train, "X", "y", y, target, weight, sample_weight)}
    for split, (more, targets) in pairs.items():
        parts[split] = _with(features(f"X of {split}", more), f"X of {split}", f"y of {split}", targets, target, weight)
    chosen = [name for name in train.column_names if name != target]
    categories = numeric_categories(train, chosen)
    with given(GivenTable(parts, len(chosen))) as path:
        words = {"path": path, "target": target, "weight": weight, "categorical": categories}
        yield ["data=table", *(f"data.{key}={value_text(value)}" for key, value in words.items() if value)]


def _pair(split: str, pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"{split}: expected a pair, {split}=(X, y)")
    return pair[0], pair[1]


def _name(table: pa.Table, y: Any) -> str:
    """Return the name of the target column: of a column in the frame, of a series, or a free one."""
    if isinstance(y, str):
        require_column("y", y, table.column_names, "X")
        return y
    if y is None:
        raise InputError("y is missing: give the targets, linnet.train(X, y), or the name of a column of X")
    name = getattr(y, "name", None)
    return free_name(name if isinstance(name, str) and name else "y", table.column_names)


def _with(
    table: pa.Table, place: str, key: str, y: Any, target: str, weight: str | None, weights: Any = None
) -> pa.Table:
    """Return the columns of a split: those of X, target and weight, the latter 1 where none are given."""
    more = {}
    if not isinstance(y, str):
        more[target] = column(key, y)
    elif y != target:
        raise InputError(f"{key}={y}: expected {target}, as for training")
    else:
        require_column(key, y, table.column_names, place)
    if weight is not None:
        more[weight] = column(WEIGHT, np.ones(table.num_rows) if weights is None else weights)
    names = {target: key, weight: WEIGHT}
    same_length(place, table.num_rows, {str(names[name]): len(values) for name, values in more.items()})
    return combine(table, more)
