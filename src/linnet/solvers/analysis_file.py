"""Read optimum.safetensors: the analysis of a training problem as arrays and words. Imports no torch."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from linnet.solvers.prediction_errors import ARRAYS as ERRORS, PredictionErrors

Floats = NDArray[np.float64]
TYPES = {
    "objective": float, "bound": float, "seconds": float, "certificate": str, "method": str, "unique": bool,
    "attained": bool, "iterations": int, "largest": float, "smallest": float, "exact": bool,
}  # fmt: skip
"""Of the numbers and words of an optimum and of a curvature."""
PAIRS = (("weight", "bias"), ("ray_weight", "ray_bias"), ("coefficients", "std_errors"))


@dataclass(frozen=True)
class StoredAnalysis:
    """The content of the file, see `ProblemAnalysis`.

    tensors: `weight [C, D]` and `bias [C]` of the optimum; where there is inference, `coefficients` and `std_errors`,
        each `[C, 1 + D]`; where there is no optimum, `ray_weight` and `ray_bias`; where errors
        of predictions are known, their arrays.
    optimum: the optimum's numbers and words.
    curvature: of the objective, if it has a bound.
    statistics: metrics of classical inference.
    withheld: why there are no standard errors.
    no_intervals: why there are no errors of predictions although there are standard errors.
    """

    tensors: dict[str, Floats]
    optimum: dict[str, Any]
    curvature: dict[str, Any] | None
    statistics: dict[str, float]
    withheld: str | None
    no_intervals: str | None = None

    @property
    def errors(self) -> PredictionErrors | None:
        """Errors of predictions of new rows, if they are known."""
        if ERRORS[0] not in self.tensors:
            return None
        return PredictionErrors(
            **{name: self.tensors[name] for name in ERRORS}, df_residual=self.statistics["optimum/df_residual"]
        )


def read_analysis(content: bytes) -> StoredAnalysis:
    """Return the analysis that a file holds; nothing in it is executed.

    Raises:
        ValueError: it is damaged, or something else.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        words = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["linnet"])
        stored = StoredAnalysis(
            load(content), words["optimum"], words["curvature"], words["statistics"], words.get("withheld"),
            words.get("no_intervals"),
        )  # fmt: skip
        _check(stored)
        return stored
    except Exception as error:  # whatever a damaged file makes of the readers
        raise ValueError(f"no optimum can be read: {' '.join(str(error).split())}") from error


def _check(stored: StoredAnalysis) -> None:
    """Raise an error unless all parts have the types and shapes that are written."""
    for words in (stored.optimum, stored.curvature or {}):
        for key, value in words.items():
            if not _is(value, TYPES[key]):
                raise TypeError(f"{key} is {value!r:.40}")
    if not all(_is(value, float) for value in stored.statistics.values()):
        raise TypeError("a statistic is no number")
    for key in ("withheld", "no_intervals"):
        if not isinstance(getattr(stored, key), str | None):
            raise TypeError(f"{key} is no text")
    for first, second in PAIRS:
        if (first in stored.tensors) != (second in stored.tensors):
            raise TypeError(f"of {first} and {second} there is one only")
    if len({name in stored.tensors for name in ERRORS}) > 1:
        raise TypeError(f"of {', '.join(ERRORS)} there are some only")
    if ERRORS[0] in stored.tensors and "coefficients" not in stored.tensors:
        raise TypeError("there are errors of predictions, and no coefficients")
    if "coefficients" in stored.tensors and "optimum/df_residual" not in stored.statistics:
        raise TypeError("the degrees of freedom of the standard errors are missing")
    rows, columns = stored.tensors["weight"].shape
    shapes = {"weight": (rows, columns), "bias": (rows,), "ray_weight": (rows, columns), "ray_bias": (rows,)}
    shapes |= {"means": (columns,), "inverse_factor": (1 + columns, 1 + columns), "residual_std_error": (rows,)}
    for name, array in stored.tensors.items():
        if array.dtype != np.float64 or array.shape != shapes.get(name, (rows, 1 + columns)):
            raise TypeError(f"{name} has shape {list(array.shape)} of {array.dtype}")
        if name in ERRORS and not np.isfinite(array).all():
            raise TypeError(f"{name} holds numbers that are not finite")
    if stored.errors is not None and not (
        stored.errors.df_residual > 0 and stored.errors.residual_std_error.min() >= 0
    ):
        raise TypeError("the residual standard error, or its degrees of freedom, are negative")


def _is(value: Any, kind: type) -> bool:
    if kind is not float:
        return type(value) is kind
    return type(value) in (int, float) and isinstance(float(value), float)  # an OverflowError of 400 digits
