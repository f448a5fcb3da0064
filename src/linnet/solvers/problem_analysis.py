"""Analysis of a training problem: optimum, curvature, statistics."""

import json
from dataclasses import asdict, dataclass

import torch
from safetensors.torch import save
from torch import Tensor

from linnet.solvers.analysis_file import read_analysis
from linnet.solvers.optimum import Optimum
from linnet.solvers.prediction_errors import ARRAYS, PredictionErrors
from linnet.solvers.smoothness import Curvature

STORED_NAMES = {"suboptimality_bound": "bound"}
"""Names in the file of fields of `Optimum`, where they differ."""


@dataclass(frozen=True)
class ProblemAnalysis:
    """Analysis of a training problem.

    optimum: the best parameters, with the proof of how good they are.
    curvature: of the objective; None where it has no bound.
    statistics: metrics of classical inference, "optimum/r2", …; empty where there is no theory for them.
    coefficients: where there is, coefficients and their standard errors for features as they came, each `[C, 1 + D]`
        with the bias first.
    withheld: why there are no standard errors where there is a theory for them, in one line; else None.
    errors: of predictions of new rows, for features as they came; None where they are not kept or not known.
    no_intervals: why there are none although there are standard errors, in one line; else None.
    """

    optimum: Optimum
    curvature: Curvature | None
    statistics: dict[str, float]
    coefficients: tuple[Tensor, Tensor] | None = None
    withheld: str | None = None
    errors: PredictionErrors | None = None
    no_intervals: str | None = None

    def to_bytes(self) -> bytes:
        """Encode as a safetensors file: parameters as tensors, numbers and texts as metadata."""
        tensors = {"weight": self.optimum.weight, "bias": self.optimum.bias}
        if self.optimum.ray is not None:
            tensors |= {"ray_weight": self.optimum.ray[0], "ray_bias": self.optimum.ray[1]}
        if self.coefficients is not None:
            tensors |= {"coefficients": self.coefficients[0], "std_errors": self.coefficients[1]}
        if self.errors is not None:
            tensors |= {name: torch.from_numpy(getattr(self.errors, name)) for name in ARRAYS}
        words = {
            "optimum": {
                STORED_NAMES.get(key, key): value
                for key, value in vars(self.optimum).items()
                if not isinstance(value, (Tensor, tuple)) and value is not None
            },
            "curvature": None if self.curvature is None else asdict(self.curvature),
            "statistics": self.statistics,
            "withheld": self.withheld,
            "no_intervals": self.no_intervals,
        }
        return save(
            {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()},
            {"linnet": json.dumps(words)},
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> "ProblemAnalysis":
        """Read what `to_bytes` wrote; nothing in it is executed.

        Raises:
            ValueError: it is damaged, or something else.
        """
        stored = read_analysis(content)
        tensors = {name: torch.from_numpy(array) for name, array in stored.tensors.items()}
        try:
            ray = (tensors["ray_weight"], tensors["ray_bias"]) if "ray_weight" in tensors else None
            fields = {**stored.optimum, "suboptimality_bound": stored.optimum["bound"]}
            del fields["bound"]
            optimum = Optimum(weight=tensors["weight"], bias=tensors["bias"], ray=ray, **fields)
            curved = None if stored.curvature is None else Curvature(**stored.curvature)
            table = (tensors["coefficients"], tensors["std_errors"]) if "coefficients" in tensors else None
            return cls(
                optimum, curved, stored.statistics, table, stored.withheld, stored.errors, stored.no_intervals
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise ValueError(f"no optimum can be read: {' '.join(str(error).split())}") from error
