"""Comparison of one value of a run, and the files of a run directory that hold such values."""

from dataclasses import dataclass
from typing import Any, Literal

from linnet.reproduction.verdict import Verdict

STATUS, MANIFEST, METRICS = "status.json", "manifest.json", "metrics.json"
HISTORY, WEIGHTS, OPTIMUM = "history.csv", "weights.safetensors", "optimum.safetensors"


@dataclass(frozen=True)
class Figure:
    """Comparison of one value of a run: recorded and new.

    file: that holds it.
    recorded, here: number or text; None if it is not finite or missing.
    verdict: or "not recorded", for a value that an earlier version of linnet did not write.
    note: a remark.
    difference: the largest relative one, of numbers; None where there is none.
    """

    file: str

    name: str
    recorded: Any
    here: Any
    verdict: Verdict | Literal["not recorded"]
    note: str = ""
    difference: float | None = None
