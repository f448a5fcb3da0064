"""A trained run as a function of new inputs: arrays, or tables with the columns that it was trained on."""

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.data.table.from_python import as_numpy, features, frame
from linnet.data.table.preprocessing import Preprocessing
from linnet.inference.rows import Bounds, Predicted, RowNotes, of_array, of_table, preprocessing_of
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import Floats, LinearPredictor, load

PLACE = "the input"
WHOLE, NUMBERED = re.compile("0|-?[1-9][0-9]{0,17}"), re.compile("x(0|[1-9][0-9]*)")


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
    found = predict(predictor, inputs)
    return np.concatenate([np.zeros((0, predictor.n_outputs)), *(predicted.values for predicted in found)])


def bounded(predictor: LinearPredictor, inputs: Any, bounds: Bounds) -> Floats:
    """Return the bounds `[N, C, 2]` of the outputs for inputs in memory, of classes `[N, C, 1]`; see `Bounds`."""
    found = predict(predictor, inputs, bounds)
    none = np.zeros((0, predictor.n_outputs, 1 if predictor.task == "classification" else 2))
    return np.concatenate([none, *(predicted.bounds for predicted in found if predicted.bounds is not None)])


def predict(predictor: LinearPredictor, inputs: Any, bounds: Bounds | None = None) -> list[Predicted]:
    """Return the predictions of inputs in memory, part by part, with bounds if they are asked for; see `Predictor`."""
    row_notes = RowNotes()
    table, array = frame(PLACE, inputs), None
    if table is None:
        array = as_numpy(inputs)
        array = np.asarray(inputs) if array is None else array
        table = by_position(predictor.table, array) if predictor.table is not None else None
    if table is None:
        assert array is not None
        parts = of_array(predictor, array, PLACE, row_notes, bounds)
    else:
        preprocessing = preprocessing_of(predictor)
        if preprocessing is None:
            raise InputError("the model takes an array [N, …]: its features have no names")
        preprocessing.unknown(table.column_names, PLACE)
        parts = of_table(predictor, preprocessing, InMemory(table), PLACE, (), row_notes, bounds)
    found = list(parts)
    for what, count in row_notes.items():
        warnings.warn(f"{count} rows: {what}", stacklevel=4)
    return found


def by_position(preprocessing: Preprocessing, array: NDArray[Any]) -> pa.Table:
    """Return an array `[N, D]` as the table x0, x1, … that it was in training.

    Raises:
        InputError: the model was trained on columns with other names, or another number of them.
    """
    known = {column.name for column in preprocessing.columns}
    if not all(NUMBERED.fullmatch(name) for name in known):
        raise InputError("the model takes a table: give the columns that it was trained on, by name")
    known |= {name for name, _ in preprocessing.dropped} | set(preprocessing.ignored)
    width = sum(NUMBERED.fullmatch(name) is not None for name in known)
    if array.ndim != 2 or array.shape[1] != width:
        raise InputError(f"the model takes an array [N, {width}], and {PLACE} has shape {list(array.shape)}")
    return features(PLACE, array)


class Predictor(LinearPredictor):
    """A `LinearPredictor` that predicts arrays and tables in memory.

    Inputs are an array, tensor or list `[N, …]`, or a table with the columns of the training: a DataFrame, a
    `pyarrow.Table`, a dict of columns. All methods warn of values unlike those of the training data.

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

        Where the run's rule for missing values leaves out a row, its class is None, and the result an array of objects.
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
        """Classes in the order of the outputs `[C]`: integers or truth values if all names are such, else the names."""
        if self.class_names and all(WHOLE.fullmatch(name) for name in self.class_names):
            return np.array([int(name) for name in self.class_names])
        if set(self.class_names) == {"false", "true"}:
            return np.array([name == "true" for name in self.class_names])
        return np.array(self.class_names, dtype=np.str_)

    def _numbers(self, found: Floats) -> Floats:
        return found[:, 0] if self.n_outputs == 1 else found


def load_predictor(run: Path) -> Predictor:
    """Return the predictor of a completed run.

    Raises:
        InputError: there is no completed run, or a file of it is missing or damaged.
    """
    return load(run, Predictor)
