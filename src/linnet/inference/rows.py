"""Predict the rows of tables and of arrays."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.storage.sharded_arrays import ShardedArray
from linnet.data.table.column import SUCH_AS, Column
from linnet.data.table.messages import RowLocator, row_words
from linnet.data.table.preprocessing import Preprocessing, Target
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import Floats, LinearPredictor

NUMBERS = 1 << 21
"""Features that are made at once."""
MOST = 1000
"""Different notes that are printed; more, as of a category with ever new levels, would fill the memory."""


class Table(Protocol):
    """A file of rows. `read` yields the columns asked for in chunks of rows; `notes` are complete after that."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def notes(self) -> Sequence[str]: ...
    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]: ...


class Bounds(Protocol):
    """What says how sure predictions are, from features `[N, D]` and outputs `[N, C]`.

    Low and high of each target `[N, C, 2]`; of classes whether each is in the set, 1 or 0, `[N, C, 1]`.
    """

    @property
    def method(self) -> str: ...
    def __call__(self, features: Floats, outputs: Floats) -> Floats: ...


class Predicted(NamedTuple):
    """The predictions of a chunk of rows.

    values: as `LinearPredictor.outputs` returns them `[n, C]`; NaN where there is none.
    known: whether there is a prediction `[n]`.
    ids: columns to write beside them.
    bounds: as `Bounds` returns them, NaN where there is no prediction; None where they are not asked for.
    """

    values: Floats
    known: NDArray[np.bool_]
    ids: pa.Table
    bounds: Floats | None = None


class RowNotes(Counter[str]):
    """Counts of rows: what was done -> number of rows."""

    def add(self, more: "Counter[str]") -> None:
        for what, count in more.items():
            head = what.partition(SUCH_AS)[0]
            known = next((note for note in self if note.partition(SUCH_AS)[0] == head), what)
            self[known if known in self or len(self) < MOST else "more of the like"] += count


def preprocessing_of(predictor: LinearPredictor) -> Preprocessing | None:
    """Return the preprocessing of the model, or None if its features have no names.

    A model of arrays with feature names takes numbers in columns of these names, none missing.
    """
    if predictor.table is not None or not predictor.feature_names:
        return predictor.table
    columns = tuple(Column(name, "number") for name in predictor.feature_names)
    return Preprocessing(columns, Target("", "regression"), "error")


def of_table(
    predictor: LinearPredictor,
    preprocessing: Preprocessing,
    table: Table,
    place: str,
    ids: Sequence[str],
    row_notes: RowNotes,
    bounds: Bounds | None = None,
) -> Iterator[Predicted]:
    """Yield a prediction for each row of a table, in their order.

    Args:
        predictor: the model.
        preprocessing: from columns to its features.
        table: has their columns, and those of ids.
        place: its name in messages.
        ids: columns to write beside the predictions.
        row_notes: counts what was done to rows.
        bounds: of each prediction, if they are asked for.

    Raises:
        InputError: naming rows whose values cannot be used.
    """
    features = [column.name for column in preprocessing.columns]
    first = 0
    for part in table.read(list(dict.fromkeys([*features, *ids]))):
        for start in range(0, part.num_rows, _rows(predictor)):
            some_rows = part.slice(start, _rows(predictor))
            where = _where(first, place)
            applied = preprocessing.apply(some_rows.select(features), where)
            values = np.full((some_rows.num_rows, predictor.n_outputs), np.nan)
            known = np.zeros(some_rows.num_rows, np.bool_)
            x = applied.x if predictor.table is not None else predictor.features(applied.x)
            outputs = predictor.outputs(x)
            values[applied.rows], known[applied.rows] = outputs, True
            around = None
            if bounds is not None:
                of_rows = bounds(x, outputs)
                around = np.full((*values.shape, of_rows.shape[2]), np.nan)
                around[applied.rows] = of_rows
            row_notes.add(applied.row_notes)
            first += some_rows.num_rows
            yield Predicted(_finite(values, known, row_notes), known, some_rows.select(ids), around)


def of_array(
    predictor: LinearPredictor, rows: ShardedArray | NDArray[Any], place: str, row_notes: RowNotes,
    bounds: Bounds | None = None,
) -> Iterator[Predicted]:  # fmt: skip
    """Yield a prediction, and its bounds if they are asked for, for each row of an array `[N, …]`.

    Raises:
        InputError: if the rows have another number of values than there are features, or hold values that are
            not finite.
    """
    size = _rows(predictor)
    if isinstance(rows, ShardedArray) and rows.files[0].offset is None:
        rows = rows.files[0].rows(0, len(rows))
    for start in range(0, len(rows), size):
        # Shards map the file again each time, since mapped pages stay in memory for as long as they are mapped.
        part = rows.files[0].rows(start, start + size) if isinstance(rows, ShardedArray) else rows[start : start + size]
        x = predictor.features(part)
        wrong = ~np.isfinite(x).all(axis=1)
        if wrong.any():
            where = _where(start, place)(np.flatnonzero(wrong).tolist())
            raise InputError(f"values are not finite in {where}: leave these rows out, or mend them")
        known, outputs = np.ones(len(x), np.bool_), predictor.outputs(x)
        around = None if bounds is None else bounds(x, outputs)
        yield Predicted(_finite(outputs, known, row_notes), known, pa.table({}), around)


def _rows(predictor: LinearPredictor) -> int:
    return max(1, NUMBERS // predictor.n_features)


def _where(first: int, place: str) -> RowLocator:
    return lambda rows: f"{row_words([first + row for row in rows])} of {place}"


def _finite(values: Floats, known: NDArray[np.bool_], row_notes: RowNotes) -> Floats:
    beyond = int((~np.isfinite(values[known]).all(axis=1)).sum())
    if beyond:
        row_notes.add(Counter({"the prediction is beyond the largest number": beyond}))
    return values
