"""Read single curves of many runs. Imports no drawing library."""

import math
from pathlib import Path

from linnet.comparison.runs import SavedRun
from linnet.system.reading import read_lines
from linnet.tracking.history import LARGEST_STEP

CURVES = ("val/loss", "train/loss_epoch", "train/loss")
"""The first of these that a run logged is drawn."""


def loss_curve(run: SavedRun) -> tuple[str, list[int], list[float]]:
    """Return name, steps and values of a run's validation loss if it has one, else of training; empty without any."""
    found = ((name, *read_curve(run.path / "history.csv", name)) for name in CURVES)
    return next((curve for curve in found if curve[1]), ("", [], []))


def read_curve(history: Path, name: str) -> tuple[list[int], list[float]]:
    """Return steps and finite values of one metric in a history.csv; empty lists if it is not there, or damaged.

    Only that metric's lines are parsed: a sweep's histories hold millions of others.
    """
    try:
        lines = read_lines(history, errors="replace")
        cells = [line.split(",") for line in lines if line.startswith(f"{name},")]
        points = [(int(step), float(value)) for _, step, value in cells if math.isfinite(float(value))]
        if any(abs(step) > LARGEST_STEP for step, _ in points):
            return [], []
    except (OSError, ValueError):
        return [], []
    return [step for step, _ in points], [value for _, value in points]
