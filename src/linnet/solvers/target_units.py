"""Shift and scale targets so that residuals lose no digits, for losses that depend on residuals only."""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from linnet.solvers.convex_losses import Robust
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import Problem
from linnet.solvers.rounding import UNIT_ROUNDOFF, mean_loss, predictions


def in_target_units(
    problem: Problem,
    weight: Tensor,
    bias: Tensor,
    tolerance: float,
    method: Callable[[Problem, Tensor, Tensor, float], Optimum],
) -> Optimum:
    """Solve a robust regression of one output with targets (y − shift)/unit, which are free of rounding, by `method`.

    A shift of the targets is one of the bias. For absolute error with y = unit y', F(W, b; y) is unit F'(W/unit,
    b/unit; y') where F' has l2 * unit as its coefficient. Linear programmes and stopping rules know numbers of
    order 1 only.
    """
    convex_loss, y = problem.convex_loss, problem.y
    assert isinstance(convex_loss, Robust)
    shift = _shift(y) if problem.bias else 0.0
    unit = _unit(y - shift) if convex_loss.width == 0 else 1.0
    inner = replace(problem, y=(y - shift) / unit, l2=problem.l2 * unit)
    found = method(inner, weight / unit, (bias - shift) / unit, tolerance / unit)
    bias, objective, bound = found.bias, found.objective, found.suboptimality_bound
    if shift:
        bias = bias * unit + shift
        rounded = (bias - shift) / unit
        z, error = predictions(inner, found.weight, rounded)
        loss, doubt = mean_loss(convex_loss, z, error + 2 * UNIT_ROUNDOFF * rounded.abs()[:, None], inner.targets)
        penalty, lower = inner.penalty(found.weight), objective - bound
        objective = loss + penalty
        doubt += (weight.numel() + 8) * UNIT_ROUNDOFF * penalty + 4 * UNIT_ROUNDOFF * (objective + abs(lower))
        bound = max(objective - lower, 0.0) + doubt
    else:
        bias = bias * unit
    return replace(
        found, weight=found.weight * unit, bias=bias, objective=objective * unit, suboptimality_bound=bound * unit
    )


def _shift(y: Tensor) -> float:
    """Choose a number of few digits near the median, if subtracting it from the targets is exact; else 0."""
    median = y.median()
    spread = float((y - median).abs().median())
    if spread == 0:
        spread = UNIT_ROUNDOFF * abs(float(median))
    if not 4 * spread < abs(float(median)):
        return 0.0
    grid = 2.0 ** math.frexp(spread)[1]
    shift = float(torch.tensor(round(float(median) / grid) * grid, dtype=y.dtype))
    moved = y - shift
    taken = moved - y  # Knuth: the rounding error of y − shift
    error = (y - (moved - taken)) + (-shift - taken)
    return 0.0 if error.any() else shift


def _unit(y: Tensor) -> float:
    """Choose a power of two of the size of the targets, if dividing by it is exact; else 1."""
    largest = float(y.abs().max())
    unit = 2.0 ** min(max(math.frexp(largest)[1], -1000), 1000) if largest > 0 else 1.0
    return unit if torch.equal(y / unit * unit, y) else 1.0
