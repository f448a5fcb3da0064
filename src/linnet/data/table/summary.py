"""Summarise a table and its preprocessing in lines of text."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from linnet.data.table.column import renamed
from linnet.data.table.messages import count_words, join_names
from linnet.data.table.preprocessing import Preprocessing
from linnet.data.table.target import Targets

MOST_CLASSES = 10
OVERRIDE = {
    "classification": "model=linear_regression takes it as a number",
    "regression": "model=softmax_regression takes each value as a class",
}


def summary(
    n_rows: int,
    files: Sequence[object],
    targets: Targets,
    preprocessing: Preprocessing,
    splits: Mapping[str, NDArray[np.int64]],
    row_notes: Mapping[str, int],
    notes: Iterable[str],
    warnings: Iterable[str],
) -> tuple[str, ...]:
    """Return lines on rows, target, features and splits, then dropped columns, notes and warnings.

    Args:
        n_rows: read from the files.
        row_notes: what was done to rows -> how many of them.
        notes: of the files.
        warnings: of columns that give the target away.
    """
    lines = [f"{count_words(n_rows, 'row')} of {join_names(files, 3)}", _target(targets, splits)]
    kinds = ["date" if column.date else column.kind for column in preprocessing.columns]
    shares = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
    lines.append(
        f"features: {len(preprocessing.feature_names)} from {count_words(len(kinds), 'column')} ({', '.join(shares)})"
    )
    lines.append("parts: " + ", ".join(f"{len(rows)} {split}" for split, rows in splits.items() if len(rows)))
    lines += [f"column {name} {why}: left out" for name, why in preprocessing.dropped]
    lines += [f"{count_words(count, 'row')}: {what}" for what, count in row_notes.items()]
    lines += [*renamed(preprocessing.columns), *notes]
    lines += [f"warning: {warning}" for warning in warnings]
    return tuple(lines)


def _target(targets: Targets, splits: Mapping[str, NDArray[np.int64]]) -> str:
    target, rows = targets.target, np.concatenate(list(splits.values()))
    y = targets.y[rows]
    if target.task == "regression":
        found = f"regression, {y.min():g} … {y.max():g}"
    else:
        counts = np.bincount(y.astype(np.int64), minlength=len(target.class_names))
        shares = (f"{name} {count}" for name, count in zip(target.class_names, counts, strict=True))
        found = f"classification, {count_words(len(counts), 'class')}: {join_names(shares, MOST_CLASSES)}"
    return f"target {target.name}: {found}{f' ({OVERRIDE[target.task]})' if targets.either else ''}"
