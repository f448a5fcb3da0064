"""Data of a call in Python as options of a data source: a table, or arrays that are no table."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from linnet.config.python_options import value_text
from linnet.data.given import PLACE, Given, given
from linnet.data.table.from_python import (
    as_numpy,
    column,
    combine,
    features,
    frame,
    free_name,
    matrix,
    numeric_categories,
    same_length,
)
from linnet.data.table.given import GivenMatrix, GivenTable
from linnet.data.table.messages import require_column
from linnet.data.table.values import plain
from linnet.system.errors import InputError

WEIGHT = "sample_weight"
Pairs = dict[str, tuple[Any, Any]]


def is_overrides(first: Any, y: Any) -> bool:
    """Return whether the first argument of a call is overrides, and not data."""
    if isinstance(first, str) or (isinstance(first, Mapping) and y is None):
        return True
    return isinstance(first, Sequence) and all(isinstance(word, str) for word in first)


@contextmanager
def given_data(
    x: Any, y: Any = None, *, val: Any = None, test: Any = None, sample_weight: Any = None, save: bool = False
) -> Iterator[list[str]]:
    """Make data given in Python readable inside the block, whose value is the overrides that choose it.

    Args:
        x: features: a frame, or an array `[n, D]` or `[n, …]`; or a Dataset or LightningDataModule.
        y: targets `[n]` or `[n, C]`, or the name of the frame's target column.
        val, test: pairs of the same, or Datasets; None: they are drawn.
        sample_weight: how much each training example counts `[n]`; None: all the same.
        save: whether runs keep the data in their directories.

    Raises:
        InputError: they do not fit together, or are of another type.
    """
    if _is_of_torch(x):
        data, words = _of_torch(x, y, {"val": val, "test": test}, sample_weight, save)
    else:
        _refuse_sparse(x)
        pairs = {split: _pair(split, pair) for split, pair in (("val", val), ("test", test)) if pair is not None}
        x = as_numpy(x) if isinstance(x, (list, tuple)) else x
        is_table = getattr(x, "ndim", 2) <= 2 and _width(y) == 1
        data, words = (_table if is_table else _arrays)({"train": (x, y), **pairs}, sample_weight, save)
    with given(data) as name:
        yield [word.replace(NAME, value_text(name)) for word in words]


NAME = "<name>"
"""Stands in words for the name of the data, which is its checksum."""


def _refuse_sparse(x: Any) -> None:
    if type(x).__module__.startswith("scipy.sparse") or getattr(x, "is_sparse", False):
        raise InputError(
            "X is a sparse matrix, which a run would make dense: use linnet.sklearn.SoftmaxRegression or "
            "LinearRegression, which keep it sparse, or give X.toarray()"
        )


def _is_of_torch(x: Any) -> bool:
    """Return whether x is a Dataset or a LightningDataModule; imports neither."""
    kinds = [("torch.utils.data", "Dataset"), ("pytorch_lightning", "LightningDataModule")]
    known = [getattr(sys.modules.get(module), name, None) for module, name in kinds]
    return isinstance(x, tuple(kind for kind in known if kind is not None))


def _width(y: Any) -> int:
    """Return the number of columns of targets, 1 for what is no array of two dimensions."""
    shape: Any = np.shape(y) if isinstance(y, (list, tuple)) else getattr(y, "shape", ())
    return int(shape[1]) if len(shape) == 2 else 1


def _pair(split: str, pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"{split}: expected a pair, {split}=(X, y)")
    return pair[0], pair[1]


def _table(pairs: Pairs, sample_weight: Any, save: bool) -> tuple[Given, list[str]]:
    """Return the data as a table, or a matrix that stands for one, and the words of `data=table`."""
    x, y = pairs["train"]
    numbers = {split: matrix(*pair) for split, pair in pairs.items()}
    found = numbers["train"]
    train = None if found is not None else features("X", x)
    names = found[0] if found is not None else tuple(train.column_names if train is not None else ())
    target = _name([*names, *([y] if found is not None and isinstance(y, str) else [])], y)
    weight = None if sample_weight is None else free_name(WEIGHT, [*names, target])
    others, tables, matrices = {}, {}, {}
    for split, (some, targets) in pairs.items():
        place, key = ("X", "y") if split == "train" else (f"X of {split}", f"y of {split}")
        weights = sample_weight if split == "train" else None
        own = numbers[split]
        alike = found is not None and own is not None and own[0] == found[0]
        if alike and own is not None:
            matrices[split] = own[1]
        table = features(place, some) if own is None else frame(place, some)
        n_rows = len(own[1]) if own is not None else len(table or ())
        others[split] = _others(table, n_rows, place, key, targets, target, weight, weights)
        tables[split] = table, some
    columns = [name for name in names if name != target]
    options: dict[str, Any] = {"target": target, "weight": weight}
    if len(matrices) == len(pairs):
        data: Given = GivenMatrix(matrices, others, tuple(columns), save)
    else:
        made = {split: features("X", some) if table is None else table for split, (table, some) in tables.items()}
        parts = {split: combine(table, others[split]) for split, table in made.items()}
        data = GivenTable(parts, tuple(columns), save)
        options["categorical"] = numeric_categories(made["train"], columns)
    more = [f"data.{key}={value_text(value)}" for key, value in options.items() if value]
    return data, ["data=table", f"data.path={NAME}", *more]


def _name(names: Sequence[str], y: Any) -> str:
    """Return the name of the target column: of a column in the frame, of a series, or a free one."""
    if isinstance(y, str):
        require_column("y", y, names, "X")
        return y
    if y is None:
        raise InputError("y is missing: give the targets, linnet.train(X, y), or the name of a column of X")
    name = getattr(y, "name", None)
    return free_name(name if isinstance(name, str) and name else "y", names)


def _others(
    table: pa.Table | None, n_rows: int, place: str, key: str, y: Any, target: str, weight: str | None, weights: Any
) -> dict[str, pa.ChunkedArray]:
    """Return the columns of a split beside its features: target and weight, the latter 1 where none are given."""
    found = {}
    if not isinstance(y, str):
        found[target] = plain(column(key, y))
    elif y != target:
        raise InputError(f"{key}={y}: expected {target}, as for training")
    else:
        require_column(key, y, () if table is None else table.column_names, place)
        found[target] = plain(table[y]) if table is not None else None
    if weight is not None:
        values = column(WEIGHT, np.ones(n_rows) if weights is None else weights)
        whole = pa.types.is_integer(values.type) and not values.null_count
        found[weight] = column(WEIGHT, values.to_numpy().astype(np.float64)) if whole else values
    names = {target: key, weight: WEIGHT}
    same_length(place, n_rows, {str(names[name]): len(values) for name, values in found.items()})
    return found


def _of_torch(x: Any, y: Any, others: Mapping[str, Any], sample_weight: Any, save: bool) -> tuple[Given, list[str]]:
    """Return the examples of a Dataset or a LightningDataModule."""
    from linnet.data.sources.own_source import pairs_of

    if y is not None:
        raise InputError(f"y is given by the {type(x).__name__} itself: leave it out")
    given_splits = {split: some for split, some in others.items() if some is not None}
    found = pairs_of(PLACE, {"train": x, **given_splits} if given_splits or not hasattr(x, "setup") else x)
    return _arrays(
        {split: (features.numpy(), targets) for split, (features, targets) in found.items()}, sample_weight, save
    )


def _arrays(pairs: Pairs, sample_weight: Any, save: bool) -> tuple[Given, list[str]]:
    """Return the data as arrays, and the words of `data=arrays`."""
    from linnet.data.sources.given_arrays import GivenArrays

    parts, names = {}, ()
    for split, (x, y) in pairs.items():
        place, key = ("X", "y") if split == "train" else (f"X of {split}", f"y of {split}")
        table = frame(place, x)
        if split == "train" and table is not None:
            names = tuple(table.column_names)
        values = as_numpy(x) if table is None else _matrix(place, table)
        targets = _targets(key, y)
        if values is None or values.ndim < 2 or values.dtype.kind not in "fiub":
            raise InputError(f"{place}: expected an array of numbers [n, …]")
        same_length(place, len(values), {key: len(targets)})
        parts[split] = values, targets
    weight = None if sample_weight is None else column(WEIGHT, sample_weight).to_numpy().astype(np.float64)
    return GivenArrays(parts, names, weight, save), ["data=arrays", f"data.x={NAME}", f"data.y={NAME}"]


def _matrix(place: str, table: pa.Table) -> Any:
    """Return the columns of a table of numbers as `[n, D]`."""
    for field in table.schema:
        if not (pa.types.is_integer(field.type) or pa.types.is_floating(field.type)):
            raise InputError(
                f"{place}: column {field.name} holds {field.type}: with several targets, or features of more than two "
                f"dimensions, all features are numbers"
            )
    return np.column_stack([table[name].to_numpy() for name in table.column_names])


def _targets(key: str, y: Any) -> Any:
    table = frame(key, y)
    if table is not None:
        return _matrix(key, table)
    values = as_numpy(y)
    if values is None:
        values = column(key, y).to_numpy()
    return np.array(values.tolist()) if values.dtype.kind == "O" else values
