"""Data source `table` for a matrix of numbers given in Python: what the table pipeline does, all columns at once.

Column by column, 784 of them with 60,000 rows take ten times as long. Matrices with missing or infinite values, and
options that are about single columns, are left to the pipeline, which names them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from linnet.data.standardizer import is_constant
from linnet.data.storage.examples import Examples, Source
from linnet.data.table.column import Column
from linnet.data.table.given import GivenMatrix
from linnet.data.table.messages import join_names
from linnet.data.table.preprocessing import Preprocessing
from linnet.data.table.read import given_where
from linnet.data.table.splits import assign, check_classes, example_weights, scaled
from linnet.data.table.summary import summary
from linnet.data.table.target import read_target
from linnet.data.table.target_leakage import CORRELATION, leaks
from linnet.data.table.values import Floats
from linnet.system.errors import InputError

SIMPLE: dict[str, tuple[Any, ...]] = {
    "features": (None,), "exclude": ([], ()), "categorical": ([], ()), "group": (None,), "split_column": (None,),
    "fold": (None,), "outer_folds": (None,),
    "test_path": (None,), "missing": ("error", "drop"), "strip": ([], ()), "missing_tokens": ([], ()),
    "thousands": (None,), "keep_constant": (False,),
}  # fmt: skip
"""Options of the table source -> the values that say nothing of single columns."""
LOOKED_AT = 2000
"""Rows that are compared with the target first, to see which columns may copy it."""
BLOCK = 64
"""Columns whose correlation with the target is computed at a time."""


def is_simple(options: Mapping[str, Any], data: GivenMatrix) -> bool:
    """Return whether all columns can be read at once: numbers that are all there, and options of none of them."""
    simple = all(options[key] in values for key, values in SIMPLE.items())
    kinds = [[others[name].type for name in others] for others in data.others.values()]
    alike = all(kind == kinds[0] for kind in kinds)
    return simple and alike and all(bool(np.isfinite(x).all()) for x in data.matrices.values())


def matrix_rows(data: GivenMatrix, options: Mapping[str, Any]) -> Source:
    """Return the source that `table_rows` would return; arguments and errors are its."""
    columns = {name: pa.chunked_array(_chunks(data, name)) for name in data.others["train"]}
    where, files = given_where(data)
    targets = read_target(columns[options["target"]], options["target"], options["task"], where)
    name = options["weight"]
    weights = None if name is None else example_weights(columns[name], name, where)
    classes = targets.y.astype(np.int64) if targets.target.task == "classification" else None
    lengths = {split: len(x) for split, x in data.matrices.items()}
    rows = np.arange(sum(lengths.values()))
    given = None if len(lengths) == 1 else np.repeat(list(lengths), list(lengths.values()))
    parts = assign(rows, given, options["test_fraction"], options["val_fraction"], classes, None, options["seed"])
    if classes is not None:
        check_classes(parts, classes, targets.target.class_names, where)
    if weights is not None:
        weights = scaled(weights, name, parts)
    x = next(iter(data.matrices.values())) if given is None else np.concatenate(list(data.matrices.values()))
    counted = parts["train"] if weights is None else parts["train"][weights[parts["train"]] > 0]
    train = _rows(x, parts["train"])
    seen = train if weights is None else _rows(x, counted)
    low, high = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
    constant = [is_constant(*pair) for pair in zip(low, high, strict=True)]
    kept = np.flatnonzero(~np.array(constant))
    dropped = tuple(
        (data.names[i], f"is always {seen[0, i]:g} in the training part") for i, same in enumerate(constant) if same
    )
    if len(kept) == 0:
        reasons = join_names((f"{column} {why}" for column, why in dropped), 20)
        raise InputError(f"no column is left to predict {targets.target.name} from: {reasons}")
    made = tuple(Column(data.names[i], "number") for i in kept)
    ignored = () if name is None else (name,)
    preprocessing = Preprocessing(made, targets.target, options["missing"], dropped, ignored)
    examples = {
        split: Examples(
            torch.from_numpy(_columns(train if split == "train" else _rows(x, some), kept)),
            torch.from_numpy(targets.y[some] if classes is not None else targets.y[some][:, None]),
            None if weights is None else torch.from_numpy(weights[some]),
        )
        for split, some in parts.items()
        if len(some)
    }
    suspects = _suspects(seen, targets.y[counted])
    table = pa.table({data.names[i]: np.ascontiguousarray(seen[:, i]) for i in suspects})
    warnings = leaks(table, dict.fromkeys(table.column_names, "number"), targets.y[counted])
    lines = summary(len(rows), files, targets, preprocessing, parts, {}, (), warnings)
    return Source(
        task=targets.target.task, train=examples["train"], val=examples.get("val"), test=examples.get("test"),
        class_names=targets.target.class_names, feature_names=preprocessing.feature_names, checksum=data.checksum,
        preprocessing=preprocessing, summary=lines, unrounded=True, rows=torch.from_numpy(parts["train"]),
    )  # fmt: skip


def _chunks(data: GivenMatrix, name: str) -> list[pa.Array]:
    return [chunk for others in data.others.values() for chunk in others[name].chunks]


def _rows(x: NDArray[Any], rows: NDArray[np.int64]) -> Floats:
    """Return rows in float64 and in C order, as sums over them round."""
    return np.ascontiguousarray(x[rows], np.float64)


def _columns(x: Floats, kept: NDArray[np.int64]) -> Floats:
    return x if len(kept) == x.shape[1] else np.ascontiguousarray(x[:, kept])


def _suspects(x: Floats, y: NDArray[Any]) -> list[int]:
    """Return the columns that may copy the target, all that do among them."""
    names, first, targets = np.unique(y, return_index=True, return_inverse=True)
    found: set[int] = set()
    if 2 * len(names) <= len(y):
        few = slice(0, LOOKED_AT)
        found |= set(np.flatnonzero((x[few] == x[first[targets[few]]]).all(axis=0)).tolist())
    if y.dtype == np.float64 or len(names) == 2:
        centred = y.astype(np.float64) / (np.abs(y).max() or 1.0)
        centred -= centred.mean()
        for start in range(0, x.shape[1], BLOCK):
            block = x[:, start : start + BLOCK]
            block = block / np.maximum(np.abs(block).max(axis=0), np.finfo(np.float64).tiny)
            block -= block.mean(axis=0)
            size = np.sqrt(np.square(block).sum(axis=0) * (centred @ centred))
            near = np.abs(centred @ block) >= (CORRELATION - 1e-5) * size
            found |= {start + int(i) for i in np.flatnonzero(near & (size > 0))}
    return sorted(found)
