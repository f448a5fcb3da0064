"""A trained run as a function of new inputs: arrays, or tables with the columns that it was trained on."""

from pathlib import Path
from typing import Any

from linnet.inference.in_memory import predict
from linnet.tracking.linear_predictor import Floats, LinearPredictor, load


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
