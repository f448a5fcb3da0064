"""One figure of a run, and the files of a run directory that figures stand in."""

from dataclasses import dataclass
from typing import Any, Literal

from linnet.reproduction.verdict import Verdict

STATUS, MANIFEST, METRICS = "status.json", "manifest.json", "metrics.json"
HISTORY, WEIGHTS, OPTIMUM = "history.csv", "weights.safetensors", "optimum.safetensors"


@dataclass(frozen=True)
class Figure:
    """One figure of a run, as recorded and as it came out here.

    file: where it stands.
    recorded, here: a number or text; None for one that is not finite or not there.
    verdict: or "not recorded", for a figure that an earlier version of linnet did not have.
    note: what there is to say beyond that.
    difference: the largest relative one, of figures that are numbers; None where there is none to tell.
    """

    file: str

    name: str
    recorded: Any
    here: Any
    verdict: Verdict | Literal["not recorded"]
    note: str = ""
    difference: float | None = None
