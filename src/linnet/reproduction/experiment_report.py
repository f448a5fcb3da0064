"""Report on a reproduced experiment."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from linnet.reproduction.environment import Differences, label
from linnet.reproduction.results import Arm
from linnet.reproduction.verdict import Verdict, same_bits, worst


@dataclass(frozen=True)
class Row:
    """One metric of one arm, or its state.

    recorded: one value for each of the experiment's seeds.
    here: index of the seed in `recorded` -> new value; None where the metric is not finite or missing.
    tolerance: the absolute one; None for a state.
    """

    arm: Arm
    metric: str
    recorded: Sequence[float | str | None]
    here: dict[int, float | str | None]
    tolerance: float | None

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """Verdicts, one for each seed that was run."""
        return [self._judge(self.recorded[index], value) for index, value in self.here.items()]

    @property
    def verdict(self) -> Verdict:
        return worst(self.verdicts)

    @property
    def largest(self) -> float | None:
        """Largest difference over seeds; None where there are no two numbers to compare."""
        pairs = [(self.recorded[index], value) for index, value in self.here.items()]
        numbers = [abs(a - b) for a, b in pairs if isinstance(a, float) and isinstance(b, float)]
        return max(numbers, default=None)

    def _judge(self, recorded: float | str | None, here: float | str | None) -> Verdict:
        if not isinstance(recorded, float) or not isinstance(here, float):
            return "identical" if recorded == here else "different"
        if same_bits(recorded, here):
            return "identical"
        return "within tolerance" if abs(recorded - here) <= (self.tolerance or 0.0) else "different"


@dataclass(frozen=True)
class ExperimentReport:
    """Comparison of an experiment with its results.json.

    name: of the experiment.
    arms, seeds: how many were run.
    rows: empty if it could not be run.
    environment: key -> [recorded, here] of what differs, as far as results.json records it.
    seconds: of wall-clock time.
    reason: why it could not be run, in one line; None if it could.
    recorded_again: results.json has been replaced by the new results.
    """

    name: str
    arms: int
    seeds: int
    rows: Sequence[Row]
    environment: Differences
    seconds: float
    reason: str | None = None
    recorded_again: bool = False

    @property
    def verdict(self) -> Verdict | str:
        """Verdict: one of the three, or "not run"."""
        return "not run" if self.reason is not None else worst(row.verdict for row in self.rows)

    @property
    def counts(self) -> Counter[str]:
        """Number of values by verdict."""
        return Counter(verdict for row in self.rows for verdict in row.verdicts)

    @property
    def different(self) -> list[str]:
        """Names of the rows that are different: `test/loss [penalty.strength=0]`."""
        return [
            f"{row.metric} [{row.arm.name}]" if row.arm.overrides else row.metric
            for row in self.rows
            if row.verdict == "different"
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {
            "experiment": self.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "different": self.different,
            "figures": [
                {
                    "arm": list(row.arm.overrides), "metric": row.metric, "recorded": list(row.recorded),
                    "here": [row.here.get(index) for index in range(len(row.recorded))],
                    "tolerance": row.tolerance, "verdict": row.verdict,
                }
                for row in self.rows
            ],
            "environment": {
                label(key): {"recorded": pair[0], "here": pair[1]} for key, pair in self.environment.items()
            },
            "seconds": round(self.seconds, 3),
            "recorded_again": self.recorded_again,
        }  # fmt: skip
