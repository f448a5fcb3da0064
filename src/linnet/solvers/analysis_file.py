"""Read optimum.safetensors: the analysis of a training problem as arrays and words. Imports no torch."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

Floats = NDArray[np.float64]


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
        return StoredAnalysis(
            load(content), words["optimum"], words["curvature"], words["statistics"], words.get("withheld")
        )
    except Exception as error:  # whatever a damaged file makes of the readers
        raise ValueError(f"no optimum can be read: {' '.join(str(error).split())}") from error
