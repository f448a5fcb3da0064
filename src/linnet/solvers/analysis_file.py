"""Read optimum.safetensors: the analysis of a training problem as arrays and words. Imports no torch."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

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
        each `[C, 1 + D]`; where there is no optimum, `ray_weight` and `ray_bias`.
    optimum: the optimum's numbers and words.
    curvature: of the objective, if it has a bound.
    statistics: metrics of classical inference.
    withheld: why there are no standard errors.
    """

    tensors: dict[str, Floats]
    optimum: dict[str, Any]
    curvature: dict[str, Any] | None
    statistics: dict[str, float]
    withheld: str | None


def read_analysis(content: bytes) -> StoredAnalysis:
    """Return the analysis that a file holds; nothing in it is executed.

    Raises:
        ValueError: it is damaged, or something else.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        words = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["linnet"])
        stored = StoredAnalysis(
            load(content), words["optimum"], words["curvature"], words["statistics"], words.get("withheld")
        )
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
    if stored.withheld is not None and not isinstance(stored.withheld, str):
        raise TypeError("withheld is no text")
    for first, second in PAIRS:
        if (first in stored.tensors) != (second in stored.tensors):
            raise TypeError(f"of {first} and {second} there is one only")
    if "coefficients" in stored.tensors and "optimum/df_residual" not in stored.statistics:
        raise TypeError("the degrees of freedom of the standard errors are missing")
    rows, columns = stored.tensors["weight"].shape
    shapes = {"weight": (rows, columns), "bias": (rows,), "ray_weight": (rows, columns), "ray_bias": (rows,)}
    for name, array in stored.tensors.items():
        if array.dtype != np.float64 or array.shape != shapes.get(name, (rows, 1 + columns)):
            raise TypeError(f"{name} has shape {list(array.shape)} of {array.dtype}")


def _is(value: Any, kind: type) -> bool:
    if kind is not float:
        return type(value) is kind
    return type(value) in (int, float) and isinstance(float(value), float)  # an OverflowError of 400 digits
