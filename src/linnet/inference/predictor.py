"""A trained run as a function of new inputs: arrays, or tables with the columns that it was trained on."""

import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.inference.rows import RowNotes, of_array, of_table, preprocessing_of
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import Floats, LinearPredictor, load

PLACE = "the input"
WHOLE = re.compile("0|-?[1-9][0-9]{0,17}")


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


def outputs(predictor: LinearPredictor, inputs: Any) -> Floats:
    """Return the outputs `[N, C]` for inputs in memory; see `Predictor`."""
    inputs, row_notes = in_memory(inputs), RowNotes()
    if isinstance(inputs, np.ndarray):
        if predictor.table is not None:
            raise InputError("the model takes a table: give the columns that it was trained on, by name")
        parts = of_array(predictor, inputs, PLACE, row_notes)
    else:
        preprocessing = preprocessing_of(predictor)
        if preprocessing is None:
            raise InputError("the model takes an array [N, …]: its features have no names")
        table = InMemory(inputs)
        preprocessing.unknown(table.names, PLACE)
        parts = of_table(predictor, preprocessing, table, PLACE, (), row_notes)
    found = [predicted.values for predicted in parts]
    for what, count in row_notes.items():
        warnings.warn(f"{count} rows: {what}", stacklevel=3)
    return np.concatenate(found) if found else np.zeros((0, predictor.n_outputs))


def in_memory(inputs: Any) -> NDArray[Any] | pa.Table:
    """Return DataFrames, dicts of columns and Arrow tables as an Arrow table, tensors and lists as an array."""
    if isinstance(inputs, (np.ndarray, pa.Table)):
        return inputs
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(inputs, pandas.DataFrame):
        return pa.Table.from_pandas(inputs, preserve_index=False)
    if isinstance(inputs, Mapping) or hasattr(inputs, "__arrow_c_stream__"):
        return pa.table(inputs)
    return np.asarray(inputs.detach().cpu() if hasattr(inputs, "detach") else inputs)


class Predictor(LinearPredictor):
    """A `LinearPredictor` that predicts arrays and tables in memory.

    Inputs are an array or tensor `[N, …]`, or a table with the columns of the training: a `pyarrow.Table`, a DataFrame,
    a dict of columns. All methods warn of values unlike those of the training data.

    Raises:
        InputError: columns are missing, or rows hold what the model does not take.
    """

    def __call__(self, inputs: Any) -> Floats:
        """Return expected targets `[N]`, of several `[N, C]`, or the probabilities of the classes `[N, C]`.

        They are NaN for rows of a table that the run's rule for missing values leaves out.
        """
        return self._numbers(outputs(self, inputs))

    def predict(self, inputs: Any) -> NDArray[Any]:
        """Return the most probable class of each row `[N]`, or what a call returns for a regression.

        Classes are integers where all of them were, else their names. Where the run's rule for missing values leaves
        out a row, its class is None, and the result an array of objects.
        """
        found = outputs(self, inputs)
        if self.task == "regression":
            return self._numbers(found)
        known = ~np.isnan(found).any(axis=1)
        classes = self.classes
        if known.all():
            return classes[found.argmax(axis=1)]
        chosen = np.full(len(found), None, object)
        chosen[known] = classes[found[known].argmax(axis=1)]
        return chosen

    def predict_proba(self, inputs: Any) -> Floats:
        """Return the probabilities of the classes `[N, C]`, in the order of `classes`.

        Raises:
            InputError: it is a regression.
        """
        if self.task == "regression":
            raise InputError("the model is a regression, which gives no probabilities: use predict")
        return outputs(self, inputs)

    @property
    def classes(self) -> NDArray[Any]:
        """The classes in the order of the outputs `[C]`: integers where all names are such; of a regression empty."""
        if self.class_names and all(WHOLE.fullmatch(name) for name in self.class_names):
            return np.array([int(name) for name in self.class_names])
        return np.array(self.class_names, dtype=np.str_)

    def _numbers(self, found: Floats) -> Floats:
        return found[:, 0] if self.n_outputs == 1 else found


def load_predictor(run: Path) -> Predictor:
    """Return the predictor of a completed run.

    Raises:
        InputError: there is no completed run, or a file of it is missing or damaged.
    """
    return load(run, Predictor)
