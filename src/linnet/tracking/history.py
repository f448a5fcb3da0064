"""history.csv: every point that a run logged, one per line.

TensorBoard readers stop silently at a damaged record; this file can be read to its last whole line, by anything.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from linnet.system.files import sync
from linnet.system.reading import Unreadable, read_lines
from linnet.system.writing import open_own

HEADER = ("metric", "step", "value")


LARGEST_STEP = 2**53
"""Beyond which steps are no longer different numbers to those who draw them."""


class Curve(NamedTuple):
    """One metric over training: `plt.plot(*curve)`. step counts minibatch updates, from 1."""

    step: list[int]
    value: list[float]


def logged(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return the curves that have a point, as history.csv has them."""
    return {name: curve for name, curve in curves.items() if curve.step}


class History:
    """The points logged so far, in memory and in a file that grows with them.

    Lines are written in the order of their steps, and do not show in what portions the points came: a run that was
    interrupted and resumed leaves the same file as one that was not.

    Args:
        path: the file. If it is there, its points are read and more are added; else it is made, with its header.
    """

    def __init__(self, path: Path) -> None:
        self.curves: dict[str, Curve] = read_history(path) if path.exists() else {}
        self._pending: list[tuple[int, str]] = []
        self._file: IO[str] = open_own(path, "a", encoding="utf-8", newline="")
        if self._file.tell() == 0:
            self._file.write(",".join(HEADER) + "\n")

    def extend(self, name: str, steps: Sequence[int], values: Sequence[float]) -> None:
        """Add points to a curve. Values keep all their digits."""
        curve = self.curves.setdefault(name, Curve([], []))
        curve.step.extend(steps)
        curve.value.extend(values)
        self._pending += [(step, f"{name},{step},{value!r}\n") for step, value in zip(steps, values, strict=True)]

    def flush(self, *, durable: bool = False) -> None:
        """Write what is pending, which must be complete up to its last step."""
        self._pending.sort(key=lambda point: point[0])
        self._file.write("".join([line for _, line in self._pending]))
        self._pending.clear()
        self._file.flush()
        if durable:
            sync(self._file)

    @property
    def closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._file.close()


def read_history(path: Path) -> dict[str, Curve]:
    """Metric -> its curve. A last line cut short by a crash is left out.

    Raises:
        Unreadable: another line is no point of a curve.
    """
    curves: dict[str, Curve] = {}
    try:
        for row in csv.DictReader(read_lines(path)):
            curve = curves.setdefault(row["metric"], Curve([], []))
            curve.step.append(_step(row["step"]))
            curve.value.append(float(row["value"]))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise Unreadable(f"{path} is damaged: {error}") from error
    return curves


def _step(text: str) -> int:
    step = int(text)
    if abs(step) > LARGEST_STEP:
        raise ValueError(f"step {text:.20}… is beyond all steps")
    return step
