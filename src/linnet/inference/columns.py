"""Names of the predictions of a model, and the predictions as columns of a table."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from linnet.inference.rows import Predicted
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import LinearPredictor

NAME = "prediction"


def output_names(predictor: LinearPredictor) -> tuple[str, ...]:
    """Return `prediction`, numbered where there are several targets; of classes also `probability_…` of each."""
    if predictor.task == "classification":
        return (NAME, *(f"probability_{name}" for name in predictor.class_names))
    return (NAME,) if predictor.n_outputs == 1 else tuple(f"{NAME}_{i}" for i in range(predictor.n_outputs))


def refuse_collisions(predictor: LinearPredictor, ids: Sequence[str]) -> None:
    """Raise InputError if a column to be kept has the name of one of the predictions."""
    taken = set(output_names(predictor)) & set(ids)
    if taken:
        raise InputError(f"--id={min(taken)}: the predictions have a column of this name, rename yours")


def as_table(predictor: LinearPredictor, predicted: Predicted) -> pa.Table:
    """Return the kept columns, then those of the predictions, null where there is none."""
    names = output_names(predictor)
    missing = ~predicted.known
    columns = [pa.array(column, mask=missing) for column in predicted.values.T]
    if predictor.task == "classification":
        likeliest = predicted.values.argmax(axis=1).astype(np.int64)
        unknown = missing | np.isnan(predicted.values).any(axis=1)  # probabilities of NaN name no class
        columns.insert(0, pa.array(predictor.class_names).take(pa.array(likeliest, mask=unknown)))
    kept = predicted.ids
    return pa.table([*kept.columns, *columns], names=[*kept.column_names, *names])
