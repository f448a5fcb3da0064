"""Compare the recorded optimum with the new one: numbers, coefficients and their standard errors."""

import math
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

from linnet.reproduction.figure import OPTIMUM, Figure
from linnet.reproduction.saved_files import SavedFiles
from linnet.reproduction.verdict import Tolerance, Verdict
from linnet.solvers.problem_analysis import ProblemAnalysis

T = TypeVar("T")
TEXTS = ("certificate", "method", "unique", "attained", "iterations")


def compare_optimum(recorded: SavedFiles, here: SavedFiles, tolerance: Tolerance, *, new_figures: bool) -> list[Figure]:
    """Compare each tensor and number of optimum.safetensors; none where neither run has that file.

    The solver's seconds are left out: they differ from run to run. Arguments as for `compare`.
    """
    before, now = recorded.optimum, here.optimum
    if before is None and now is None and OPTIMUM not in recorded.faults:
        return []
    if before is None or now is None:
        note = recorded.faults.get(OPTIMUM, "there is none here" if now is None else "not recorded")
        if new_figures and OPTIMUM not in recorded.faults:
            return [Figure(OPTIMUM, "optimum", None, None, "not recorded", note)]
        return [Figure(OPTIMUM, "optimum", None, None, "different", note)]
    figures = [_tensor(name, *pair, tolerance) for name, pair in _pairs(_tensors(before), _tensors(now)).items()]
    for name, (a, b) in _pairs(_words(before), _words(now)).items():
        if isinstance(a, float) and isinstance(b, float):
            figures.append(Figure(OPTIMUM, _label(name), a, b, tolerance.judge(name, a, b)))
        elif name not in TEXTS or tolerance.exact:  # another processor may take another number of steps
            figures.append(Figure(OPTIMUM, _label(name), a, b, "identical" if a == b else "different"))
    return figures


def _label(name: str) -> str:
    return name if name.startswith("optimum/") else f"optimum {name}"


def _tensors(analysis: ProblemAnalysis) -> dict[str, Tensor]:
    optimum = analysis.optimum
    tensors = {"weight": optimum.weight, "bias": optimum.bias}
    if optimum.ray is not None:
        tensors |= {"ray weight": optimum.ray[0], "ray bias": optimum.ray[1]}
    if analysis.coefficients is not None:
        tensors |= {"coefficients": analysis.coefficients[0], "std_errors": analysis.coefficients[1]}
    return tensors


def _words(analysis: ProblemAnalysis) -> dict[str, object]:
    optimum = analysis.optimum
    numbers = {"objective": optimum.objective, "bound": optimum.suboptimality_bound}
    numbers |= {name: getattr(optimum, name) for name in TEXTS}
    curved = {} if analysis.curvature is None else vars(analysis.curvature)
    return {**numbers, **{f"curvature {name}": value for name, value in curved.items()}, **analysis.statistics}


def _pairs(before: Mapping[str, T], now: Mapping[str, T]) -> dict[str, tuple[T | None, T | None]]:
    return {name: (before.get(name), now.get(name)) for name in dict.fromkeys([*before, *now])}


def _tensor(name: str, before: Tensor | None, now: Tensor | None, tolerance: Tolerance) -> Figure:
    """Compare tensors by the difference relative to the largest element. NaN means "withheld" and equals NaN only."""
    name = f"optimum {name}"
    if before is None or now is None or before.shape != now.shape or before.dtype != now.dtype:
        was, found = (None if part is None else f"{list(part.shape)}, {part.dtype}" for part in (before, now))
        return Figure(OPTIMUM, name, was, found, "different", "not of the same shape and type")
    if before.numpy().tobytes() == now.numpy().tobytes():
        return Figure(OPTIMUM, name, None, None, "identical", difference=0.0)
    a, b = before.double(), now.double()
    same = torch.equal(a.isfinite(), b.isfinite())
    finite = a.isfinite() & b.isfinite()
    largest = (a - b)[finite].abs().max().item() if finite.any() else 0.0
    size = max(part[finite].abs().max().item() for part in (a, b)) if finite.any() else 0.0
    within = same and not tolerance.exact and largest <= tolerance.allowed(name, size)
    verdict: Verdict = "within tolerance" if within else "different"
    note = f"largest difference {largest:.1e}" if same else "withheld or infinite in one of them only"
    return Figure(OPTIMUM, name, None, None, verdict, note, largest / size if size and math.isfinite(largest) else None)
