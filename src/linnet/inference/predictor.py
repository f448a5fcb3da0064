"""A trained run as a function of new inputs: arrays, or tables with the columns that it was trained on."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from linnet.inference.rows import RowNotes, of_array, of_table, preprocessing_of
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import Floats, LinearPredictor, load

PLACE = "the input"


class InMemory:
    """A table whose columns are in memory."""

    notes: Sequence[str] = ()

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._table.column_names)

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        yield self._table.select(columns)


def predict(predictor: LinearPredictor, inputs: Any) -> Floats:
    """Predict inputs in memory; see `Predictor.__call__`."""
    row_notes = RowNotes()
    if isinstance(inputs, np.ndarray):
        if predictor.table is not None:
            raise InputError("the model takes a table: give the columns that it was trained on, by name")
        parts = of_array(predictor, inputs, PLACE, row_notes)
    else:
        preprocessing = preprocessing_of(predictor)
        if preprocessing is None:
            raise InputError("the model takes an array [N, …]: its features have no names")
        table = InMemory(inputs if isinstance(inputs, pa.Table) else pa.table(inputs))
        preprocessing.unknown(table.names, PLACE)
        parts = of_table(predictor, preprocessing, table, PLACE, (), row_notes)
    found = [predicted.values for predicted in parts]
    for what, count in row_notes.items():
        warnings.warn(f"{count} rows: {what}", stacklevel=3)
    values = np.concatenate(found) if found else np.zeros((0, predictor.n_outputs))
    return values[:, 0] if predictor.n_outputs == 1 else values


class Predictor(LinearPredictor):
    """A `LinearPredictor` that can be called on arrays and tables in memory."""

    def __call__(self, inputs: Any) -> Floats:
        """Predict for an array `[N, …]`, or for a table with the columns of the training: a `pyarrow.Table`, a
        DataFrame, a dict of columns. Warns of values unlike those of the training data.

        Returns:
            Expected targets `[N]`, of several `[N, C]`, or the probabilities of the classes `[N, C]`; NaN for rows of a
            table that the run's rule for missing values leaves out.

        Raises:
            InputError: columns are missing, or rows hold what the model does not take.
        """
        return predict(self, inputs)


def load_predictor(run: Path) -> Predictor:
    """Return the predictor of a completed run.

    Raises:
        InputError: there is no completed run, or a file of it is missing or damaged.
    """
    return load(run, Predictor)
