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
    """A run held against a fresh one.

    run: the directory that was to be checked.
    directory: of the fresh run.
    figures: state, epoch, step, weights, history and every figure of metrics.json.
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
        """The names of all that is different: damaged and changed files, and figures."""
        return [*self.faults, *(figure.name for figure in self.figures if figure.verdict == "different")]

    @property
    def verdict(self) -> Verdict:
        if self.different:
            return "different"
        return worst(figure.verdict for figure in self.figures if figure.verdict != "not recorded")

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
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
