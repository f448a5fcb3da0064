"""Scores and targets of a labelled file, for a completed run.

Nothing but the run directory is needed. Features are made as `linnet predict` makes them, targets as training does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.storage.array_file import NAMED
from linnet.data.storage.class_labels import canonical, distinct_of, is_number
from linnet.data.storage.sharded_arrays import ShardedArray, find_shards
from linnet.data.storage.whole_arrays import PARQUET, TORCH
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.messages import count_words, join_names, require_column, row_words
from linnet.data.table.notation import PLAIN
from linnet.data.table.splits import example_weights
from linnet.data.table.target import class_labels, number_targets
from linnet.data.table.values import BOOLEANS, cleaned, is_missing
from linnet.inference.opening import opened
from linnet.inference.rows import Predicted, RowNotes, Table, of_array, of_table, preprocessing_of
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import Floats, LinearPredictor


@dataclass(frozen=True)
class LabelledFile:
    """A labelled file, and how to read it.

    input: a table or an array; see `linnet predict`.
    target: of a table the column, None for that of the training; of an array the file of targets, None for the array y
        in the same file.
    weight: of a table the column of example weights, None for none.
    csv_format: of CSV, how to read it.
    """

    input: str
    target: str | None
    weight: str | None
    csv_format: CsvFormat


class Labelled(NamedTuple):
    """Rows with scores and targets.

    scores: weight x + bias, `[N, C]`.
    y: numbers `[N, C]`, or class indices `[N]`, −1 for a class that the model does not have.
    weight: `[N]`, or None for ones.
    unseen: name of such a class -> its rows.
    n_rows: of the file, N of which are used.
    notes: on the file, a line each.
    """

    scores: Floats
    y: NDArray[Any]
    weight: Floats | None
    unseen: Mapping[str, int]
    n_rows: int
    notes: list[str]


def read_labelled(predictor: LinearPredictor, given: LabelledFile) -> Labelled:
    """Read the file and score its rows.

    Raises:
        InputError: if the file is not what the model takes, has no targets, or none of its rows can be used.
    """
    scoring, row_notes = replace(predictor, link="identity"), RowNotes()
    notes: list[str] = []
    with opened(given.input, given.csv_format) as source:
        if isinstance(source, ShardedArray):
            if predictor.table is not None:
                raise InputError(f"{given.input} is an array, but the model takes a table with the columns that it was "
                                 f"trained on")  # fmt: skip
            scores, known, _ = _collected(of_array(scoring, source, given.input, row_notes))
            found = _array_targets(predictor, given, len(known))
        else:
            rows, target, weight, notes = _table_rows(scoring, source, given, row_notes)
            scores, known, columns = _collected(rows)
            found = _table_targets(predictor, columns, target, weight, given.input)
            notes += source.notes
    y, weights, present, names = found
    used = known & present
    if not used.any():
        raise InputError(f"{given.input}: no row is left to evaluate, of {len(used)}")
    unseen = {name: int((y[used] == -1 - i).sum()) for i, name in enumerate(names)}
    y = np.maximum(y, -1) if names else y
    notes += [f"{count_words(count, 'row')}: {what}" for what, count in row_notes.items()]
    if not used.all():
        notes.append(f"{count_words(int((~used).sum()), 'row')} of {len(used)} left out")
    return Labelled(
        scores[used], y[used], None if weights is None else weights[used],
        {name: count for name, count in unseen.items() if count}, len(used), notes,
    )  # fmt: skip


def _collected(rows: Iterator[Predicted]) -> tuple[Floats, NDArray[np.bool_], pa.Table]:
    """Return scores `[N, C]`, whether each row has scores `[N]`, and the columns kept with them."""
    parts = list(rows)
    values, known = (np.concatenate([getattr(part, key) for part in parts]) for key in ("values", "known"))
    return values, known, pa.concat_tables([part.ids for part in parts])


Targets = tuple[NDArray[Any], Floats | None, NDArray[np.bool_], list[str]]
"""Targets, weights, whether each row has a target, and the names of classes that the model does not have, of which the
i-th is the target −1 − i."""


def _table_rows(
    predictor: LinearPredictor, table: Table, given: LabelledFile, row_notes: RowNotes
) -> tuple[Iterator[Predicted], str, str | None, list[str]]:
    """Return an iterator of rows with the columns of target and weight, the names of these two, and notes."""
    preprocessing = preprocessing_of(predictor)
    if preprocessing is None:
        raise InputError(f"{given.input} is a table, but the model takes an .npy file: its features have no names")
    target = given.target or preprocessing.target.name
    if not target:
        raise InputError(f"{given.input}: the run knows no name of its target, say which column it is by --target")
    unknown = preprocessing.unknown(table.names, given.input)
    require_column("--target", target, table.names, given.input)
    weight = given.weight if given.weight in table.names else None
    notes = []
    if given.weight is not None and weight is None:
        notes.append(f"{given.input} has no column {given.weight}, the weight of training: all rows count the same")
    unknown = [name for name in unknown if name not in (target, weight)]
    if unknown:
        notes.append(f"{given.input}: not in the training data, ignored: {join_names(unknown, 20)}")
    columns = [target] if weight is None else [target, weight]
    return of_table(predictor, preprocessing, table, given.input, columns, row_notes), target, weight, notes


def _table_targets(
    predictor: LinearPredictor, columns: pa.Table, target: str, weight: str | None, place: str
) -> Targets:
    def where(rows: Sequence[int]) -> str:
        return f"{row_words(rows)} of {place}"

    notation = PLAIN if predictor.table is None else predictor.table.notation
    columns = notation.without_tokens(columns)
    key, column = f"target {target}", cleaned(columns[target])
    lacking = is_missing(column)
    drops = predictor.table is not None and predictor.table.missing == "drop"
    if lacking.any() and not drops:
        raise InputError(
            f"{key} is missing in {where(np.flatnonzero(lacking).tolist())}: remove rows that say nothing of it, "
            f"{int(lacking.sum())} of {len(lacking)}"
        )
    weights = None if weight is None else example_weights(columns[weight], weight, where, notation)
    present, numbers = ~lacking, np.flatnonzero(~lacking)

    def of_present(rows: Sequence[int]) -> str:
        return where([int(numbers[row]) for row in rows])

    kept = column.filter(pa.array(present))
    if predictor.task == "regression":
        y = np.zeros((len(column), 1))
        y[present, 0] = number_targets(key, kept, of_present, notation)
        return y, weights, present, []
    names, index, _ = class_labels(key, kept, of_present)
    codes, unseen = _codes(names, predictor.class_names)
    classes = np.zeros(len(column), np.int64)
    classes[present] = codes[index]
    return classes, weights, present, unseen


def _array_targets(predictor: LinearPredictor, given: LabelledFile, n_rows: int) -> Targets:
    named = given.target
    if named is None and not given.input.partition(":")[0].endswith((*NAMED, PARQUET, *TORCH)):
        raise InputError(f"{given.input} holds no targets: give their file by --target")
    key, of_classes = "--target" if named else "data.y", predictor.task == "classification"
    shards = find_shards(key, named or given.input.partition(":")[0], text=of_classes)
    if len(shards) != n_rows:
        raise InputError(
            f"{shards.files[0]} has {len(shards)} rows, {given.input} has {n_rows}: they pair up row by row"
        )
    present = np.ones(n_rows, np.bool_)
    if predictor.task == "regression":
        rows = np.concatenate([file.rows(0, file.shape[0]) for file in shards.files])
        y = rows.reshape(n_rows, -1).astype(np.float64)
        if y.shape[1] != predictor.n_outputs:
            raise InputError(f"{shards.files[0]} has {y.shape[1]} targets, the model {predictor.n_outputs}")
        if not np.isfinite(y).all():
            raise InputError(f"{shards.files[0]} holds values that are not finite: leave out their rows")
        return y, None, present, []
    classes = predictor.class_names
    by_value = all(map(is_number, classes))
    if not by_value and not any(kind in "US" for kind in shards.kinds):  # a data set that names its classes
        classes, by_value = tuple(map(str, range(len(classes)))), True
    names, index = distinct_of(shards)
    codes, unseen = _codes([canonical(name) for name in names] if by_value else names, classes)
    return codes[index], None, present, unseen


def _codes(names: Sequence[str], classes: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the index of each name among the classes, −1 − i for the i-th unknown name; and the unknown names."""
    truth = set(classes) <= set(BOOLEANS)
    places = {name: place for place, name in enumerate(classes)}
    found = [name.lower() if truth else name for name in names]
    unseen = [name for name in found if name not in places]
    return np.array([places[name] if name in places else -1 - unseen.index(name) for name in found], np.int64), unseen
