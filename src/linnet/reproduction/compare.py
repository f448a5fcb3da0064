"""Compare two run directories, metric by metric."""

import math
from typing import Any

import torch

from linnet.reproduction.compare_optimum import compare_optimum
from linnet.reproduction.figure import HISTORY, METRICS, STATUS, WEIGHTS, Figure
from linnet.reproduction.saved_files import SavedFiles
from linnet.reproduction.verdict import Tolerance, Verdict, same_bits, worst
from linnet.system.sanitize import leaf
from linnet.tracking import Curve
from linnet.tracking.manifest import weights_hash

COUNTS = ("epoch", "step", "kept_epoch")
"""Of status.json: whole numbers, which have no tolerance."""


def compare(recorded: SavedFiles, here: SavedFiles, tolerance: Tolerance, *, new_figures: bool) -> list[Figure]:
    """Compare two runs: state, epochs and steps, weights, history, and all of metrics.json.

    Args:
        recorded: the recorded run, perhaps damaged.
        here: the new run.
        tolerance: for metrics and weights.
        new_figures: the code may have changed, so that a value that was not recorded is no fault.
    """
    state = recorded.status.get("state")
    figures = [_equal("state", state, here.status.get("state"))]
    counts = COUNTS if state == "completed" else ("step",)
    figures += [_equal(name, recorded.status.get(name), here.status.get(name)) for name in counts]
    if state == "completed":
        figures.append(_weights(recorded, here, tolerance))
        figures += compare_optimum(recorded, here, tolerance, new_figures=new_figures)
    figures.append(_history(recorded, here, tolerance))
    if state == "completed":
        figures += _metrics(recorded.metrics or {}, here.metrics or {}, tolerance, new_figures)
    return figures


def _equal(name: str, recorded: Any, here: Any) -> Figure:
    same = type(recorded) is type(here) and recorded == here
    return Figure(STATUS, name, leaf(recorded), leaf(here), "identical" if same else "different")


def _metrics(
    recorded: dict[str, float | None], here: dict[str, float | None], tolerance: Tolerance, new_figures: bool
) -> list[Figure]:
    figures = []
    for name in dict.fromkeys([*recorded, *here]):
        before, now = recorded.get(name), here.get(name)
        if name not in here:
            figures.append(Figure(METRICS, name, before, None, "different", "no such figure here"))
        elif name not in recorded:
            figures.append(
                Figure(METRICS, name, None, now, "not recorded" if new_figures else "different", "not recorded")
            )
        else:
            verdict = tolerance.judge(name, before, now)
            figures.append(Figure(METRICS, name, before, now, verdict, difference=_relative(before, now)))
    return figures


def _weights(recorded: SavedFiles, here: SavedFiles, tolerance: Tolerance) -> Figure:
    """Compare the weights as they are in the files. The relative difference is that of the largest elements."""
    before, now = recorded.weights, here.weights
    if before is None or now is None:
        missing = recorded.faults.get(WEIGHTS, "there are none here")
        return Figure(WEIGHTS, "weights", None, None if now is None else weights_hash(now), "different", missing)
    hashes = weights_hash(before), weights_hash(now)
    if hashes[0] == hashes[1]:
        same_file = recorded.digest(WEIGHTS) == here.digest(WEIGHTS)
        if same_file or not tolerance.exact:
            return Figure(WEIGHTS, "weights", *hashes, "identical", difference=0.0)
        return Figure(WEIGHTS, "weights", *hashes, "different", "equal numbers in a file of other bytes", 0.0)
    shapes = [
        {name: f"{list(tensor.shape)}, {tensor.dtype}" for name, tensor in part.items()} for part in (before, now)
    ]
    if shapes[0] != shapes[1]:
        return Figure(WEIGHTS, "weights", *hashes, "different", f"{_shapes(before)} recorded, {_shapes(now)} here")
    pairs = [(before[name].double(), now[name].double()) for name in now]
    largest = max(_largest(a - b) for a, b in pairs)
    size = max(_largest(tensor) for pair in pairs for tensor in pair)
    finite = math.isfinite(largest)
    within = finite and not tolerance.exact and largest <= tolerance.allowed("weights", size)
    note = f"largest difference {largest:.1e}, largest weight {size:.3g}"
    relative = largest / size if finite and size else None
    return Figure(WEIGHTS, "weights", *hashes, "within tolerance" if within else "different", note, relative)


def _history(recorded: SavedFiles, here: SavedFiles, tolerance: Tolerance) -> Figure:
    before, now = recorded.history, here.history
    digests = recorded.digest(HISTORY), here.digest(HISTORY)
    if before is None or now is None:
        return Figure(HISTORY, "history", *digests, "different", recorded.faults.get(HISTORY, "there is none here"))
    n = sum(len(curve.step) for curve in now.values())
    if digests[0] == digests[1]:
        return Figure(HISTORY, "history", *digests, "identical", f"{n} points", 0.0)
    if {name: curve.step for name, curve in before.items()} != {name: curve.step for name, curve in now.items()}:
        return Figure(HISTORY, "history", *digests, "different", _other_points(before, now))
    verdicts: list[Verdict] = ["different" if tolerance.exact else "within tolerance"]  # the bytes are others
    largest, changed = 0.0, 0
    for name, curve in now.items():
        for a, b in zip(before[name].value, curve.value, strict=True):
            if not same_bits(a, b):
                changed += 1
                verdicts.append(tolerance.judge(name, a, b))
                largest = max(largest, _relative(a, b) or 0.0)
    beyond = sum(verdict == "different" for verdict in verdicts)
    note = f"{changed} of {n} points differ" + (f", {beyond} by more than the tolerance" if beyond else "")
    return Figure(HISTORY, "history", *digests, worst(verdicts), note, largest)


def _other_points(before: dict[str, Curve], now: dict[str, Curve]) -> str:
    name = next(
        name for name in dict.fromkeys([*now, *before])
        if name not in before or name not in now or before[name].step != now[name].step
    )  # fmt: skip
    counts = [len(curves[name].step) if name in curves else 0 for curves in (before, now)]
    return f"other points: {name} has {counts[0]} recorded, {counts[1]} here"


def _relative(a: float | None, b: float | None) -> float | None:
    """Return |a − b| relative to the larger of the two."""
    if a is None or b is None or same_bits(a, b):
        return 0.0 if a is b or (a is not None and b is not None) else None
    size = max(abs(a), abs(b))
    return (abs(a - b) / size if size else 0.0) if math.isfinite(size) else None


def _largest(tensor: torch.Tensor) -> float:
    """Return the largest magnitude; infinite if there is a NaN."""
    largest = tensor.abs().max().item() if tensor.numel() else 0.0
    return largest if largest == largest else float("inf")


def _shapes(weights: dict[str, torch.Tensor]) -> str:
    return ", ".join(f"{name} {list(tensor.shape)} {str(tensor.dtype)[6:]}" for name, tensor in weights.items())
