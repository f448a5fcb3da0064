"""The three verdicts, and the tolerance of the second."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["identical", "within tolerance", "different"]
VERDICTS: tuple[Verdict, ...] = ("identical", "within tolerance", "different")

RELATIVE = 1e-4
"""Of metrics and weights. Sums of float32 in another order change them by 1e-7 to 1e-5 in a short run."""
ROUNDINGS = 16
"""A figure may also differ by so many roundings of 1: a loss or error that is nearly 0 consists of little else."""
BOUNDARY_EXAMPLES = 3
"""So many examples may fall on the other side of a decision in any figure that counts them."""
COUNTS = {"accuracy": 1, "top2_accuracy": 1, "macro_f1": 2, "calibration_error": 2}
"""Metrics that count examples, and in how many classes or bins each of these counts."""

INTERVAL_END = re.compile("_ci95_(low|high)$")  # as `linnet.models.intervals` names them, which would import torch


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; identical if there are none."""
    return max(verdicts, key=VERDICTS.index, default="identical")


@dataclass(frozen=True)
class Tolerance:
    """Allowed differences of values where bit-identical ones cannot be expected.

    relative: of the larger of the two, at least 0.
    rounding: of the run's dtype: its `torch.finfo(dtype).eps`.
    sizes: split ("test") -> its number of examples.
    exact: nothing in the environment differs, so that every bit must be the same.
    """

    relative: float = RELATIVE
    rounding: float = 2.0**-23
    sizes: Mapping[str, int] = field(default_factory=dict)
    exact: bool = False

    def allowed(self, name: str, size: float) -> float:
        """Return the largest allowed difference of a metric ("test/accuracy") whose larger value has this magnitude.

        relative · size + 16 roundings; for a metric that counts examples, at least what 3 of them contribute.
        """
        part, _, metric = name.partition("/")
        weight = COUNTS.get(INTERVAL_END.sub("", metric), 0)
        of_counts = BOUNDARY_EXAMPLES * weight / self.sizes[part] if part in self.sizes else 0.0
        return max(self.relative * abs(size) + ROUNDINGS * self.rounding, of_counts * (1 + 1e-9))

    def judge(self, name: str, recorded: float | None, here: float | None) -> Verdict:
        """Compare two values. None stands for one that is not finite, as in metrics.json."""
        if same_bits(recorded, here):
            return "identical"
        if self.exact or recorded is None or here is None or not (math.isfinite(recorded) and math.isfinite(here)):
            return "different"
        close = abs(recorded - here) <= self.allowed(name, max(abs(recorded), abs(here)))
        return "within tolerance" if close else "different"


def same_bits(a: float | None, b: float | None) -> bool:
    """Return whether two numbers are the same bit for bit; all NaN are alike, and 0 is not −0."""
    return a is b if a is None or b is None else a.hex() == b.hex()
