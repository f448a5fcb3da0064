"""Report on a reproduced run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linnet.reproduction.environment import Differences, label
from linnet.reproduction.figure import Figure
from linnet.reproduction.verdict import Verdict, worst


@dataclass(frozen=True)
class RunReport:
    """Comparison of a run with a new one.

    run: the directory that is checked.
    directory: of the new run.
    figures: comparisons of state, epoch, step, weights, history and every metric of metrics.json.
    environment: key -> [recorded, here] of what differs.
    faults: file of the run -> what is wrong with it, such as that it was changed after the run ended.
    tolerance: the relative one.
    """

    run: Path
    directory: Path
    figures: list[Figure]
    environment: Differences
    faults: Mapping[str, str]
    tolerance: float

    @property
    def different(self) -> list[str]:
        """Names of all that is different: damaged and changed files, and values."""
        return [*self.faults, *(figure.name for figure in self.figures if figure.verdict == "different")]

    @property
    def verdict(self) -> Verdict:
        if self.different:
            return "different"
        return worst(figure.verdict for figure in self.figures if figure.verdict != "not recorded")

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {
            "run": str(self.run),
            "directory": str(self.directory),
            "verdict": self.verdict,
            "different": self.different,
            "tolerance": self.tolerance,
            "figures": [vars(figure) for figure in self.figures],
            "environment": {
                label(key): {"recorded": pair[0], "here": pair[1]} for key, pair in self.environment.items()
            },
            "faults": dict(self.faults),
        }
