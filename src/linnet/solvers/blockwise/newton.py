"""Newton's method with conjugate gradients for softmax regression in blocks of rows."""

import math
from typing import NamedTuple

from torch import Tensor

from linnet.solvers.blockwise.bound import Certificate, certify
from linnet.solvers.blockwise.preconditioner import ClassBlocks
from linnet.solvers.blockwise.rows import Point, SoftmaxRows, fast_products

Parameters = tuple[Tensor, Tensor]

NEWTON_STEPS = 200
CG_STEPS = 200
ACCURACY = 0.05
"""Residual of Newton's equation, relative to the gradient, both in the norm of the approximate inverse."""
HALVINGS = 30
STALLED = 3
"""Steps in a row that neither halve the gradient's bound nor lessen F visibly, after which rounding hides the rest."""
HIDDEN = 1e-9
"""Share of F that a decrease has to be to be visible beside rounding."""
SETTLING = 5
"""Steps of the bias alone, at the most, before a point is certified."""
RENEWED = 6
"""Steps of conjugate gradients up to which the approximate inverse is kept for the next Newton step."""


class Found(NamedTuple):
    """Weight `[C, D]` and bias `[C]`, float64, their certificate, and the Newton steps taken."""

    weight: Tensor
    bias: Tensor
    certificate: Certificate
    steps: int


def minimise(rows: SoftmaxRows, l2: float, weight: Tensor, bias: Tensor, tolerance: float) -> Found:
    """Minimise mean loss + l2/2 ‖W‖² from weight `[C, D]` and bias `[C]`, to a proven distance or as rounding allows.

    Args:
        rows: the examples.
        l2: strength of the penalty, above 0.
        tolerance: the bound to reach, in units of the objective.
    """
    with fast_products(rows.device):
        return _minimise(rows, l2, weight, bias, tolerance)


def _minimise(rows: SoftmaxRows, l2: float, weight: Tensor, bias: Tensor, tolerance: float) -> Found:
    preconditioner = ClassBlocks(rows, l2)
    weight, bias = weight - weight.mean(0), bias - bias.mean()  # as the optimum, and along which nothing is solved
    point = rows.evaluate(weight, bias)
    best: tuple[Tensor, Tensor, Certificate] | None = None
    least = lowest = math.inf
    stalled, taken, step = 0, CG_STEPS, 0
    for step in range(NEWTON_STEPS + 1):
        gap = float((point.weight + l2 * weight).square().sum()) / (2 * l2)
        objective = point.loss + 0.5 * l2 * float(weight.square().sum())
        stalled = 0 if gap < 0.5 * least or objective < lowest - HIDDEN * abs(lowest) else stalled + 1
        least, lowest = min(least, gap), min(lowest, objective)
        last = stalled == STALLED or step == NEWTON_STEPS
        if gap <= 0.9 * tolerance and rows.bias:
            bias, point = _settled(rows, preconditioner, weight, bias, point, 0.01 * l2 * tolerance)
            gap = float((point.weight + l2 * weight).square().sum()) / (2 * l2)
        if gap <= 0.9 * tolerance or last:
            found = certify(rows, l2, weight, bias)
            if best is None or found.bound < best[2].bound:
                best = weight, bias, found
            if last or found.bound <= tolerance or gap < 0.1 * found.rounding:
                break
        if taken > RENEWED:
            preconditioner.update()
        gradient = point.weight + l2 * weight, point.bias
        direction, taken = _direction(rows, l2, gradient, preconditioner, 0.2 * l2 * tolerance)
        weight, bias, point = _search(rows, l2, weight, bias, point, direction)
    assert best is not None
    return Found(*best, step)


def _settled(
    rows: SoftmaxRows, preconditioner: ClassBlocks, weight: Tensor, bias: Tensor, point: Point, enough: float
) -> tuple[Tensor, Point]:
    """Return the best bias for a weight, but for what does not matter or rounding hides, and its point.

    Args:
        enough: square of the change of the derivatives by the weight that does not matter.
    """
    if not hasattr(preconditioner, "inverse_mean"):
        preconditioner.update_bias()
    enough, before = min(enough, 1.0) / max(rows.second_moment, 1.0), math.inf
    for _ in range(SETTLING):
        step = preconditioner.inverse_mean @ point.bias
        effect = float(step @ point.bias)
        if effect <= enough or effect > 0.25 * before:
            break
        bias, before = bias - step, effect
        point = rows.evaluate(weight, bias)
    return bias, point


def _direction(
    rows: SoftmaxRows, l2: float, gradient: Parameters, preconditioner: ClassBlocks, enough: float
) -> tuple[Parameters, int]:
    """Solve H d = −∇F approximately by preconditioned conjugate gradients; return d and the steps.

    Args:
        enough: squared length of the residual by the weight that need not be undercut.
    """
    residual = _of_sum_zero((-gradient[0], -gradient[1]))
    direction = residual[0] * 0, residual[1] * 0
    search = _of_sum_zero(preconditioner(*residual))
    norm = first = _dot(residual, search)
    for taken in range(1, CG_STEPS + 1):
        product = rows.product(*search)
        product = product[0] + l2 * search[0], product[1]
        bent = _dot(search, product)
        if not bent > 0:
            return direction, taken
        rate = norm / bent
        direction = direction[0] + rate * search[0], direction[1] + rate * search[1]
        residual = _of_sum_zero((residual[0] - rate * product[0], residual[1] - rate * product[1]))
        solved = _of_sum_zero(preconditioner(*residual))
        norm, before = _dot(residual, solved), norm
        if norm <= ACCURACY**2 * first or float(residual[0].square().sum()) <= enough:
            return direction, taken
        search = solved[0] + norm / before * search[0], solved[1] + norm / before * search[1]
    return direction, CG_STEPS


def _search(
    rows: SoftmaxRows, l2: float, weight: Tensor, bias: Tensor, point: Point, direction: Parameters
) -> tuple[Tensor, Tensor, Point]:
    """Return weight, bias and point after the largest of the steps 1, ½, ¼, … that lessens F enough (Armijo).

    Where rounding of F hides the decrease, a flatter slope along the direction shows it.
    """
    objective = point.loss + 0.5 * l2 * float(weight.square().sum())
    slope = _dot((point.weight + l2 * weight, point.bias), direction)
    scale = 1.0
    for _ in range(HALVINGS):
        moved = weight + scale * direction[0], bias + scale * direction[1]
        trial = rows.evaluate(*moved)
        value = trial.loss + 0.5 * l2 * float(moved[0].square().sum())
        flatter = abs(_dot((trial.weight + l2 * moved[0], trial.bias), direction)) <= 0.9 * abs(slope)
        if value <= objective + 1e-4 * scale * slope or (flatter and abs(slope) <= 1e-8 * abs(objective)):
            return *moved, trial
        scale /= 2
    return weight, bias, rows.evaluate(weight, bias)


def _of_sum_zero(u: Parameters) -> Parameters:
    """Remove the common change of all logits, along which softmax is flat and the optimum has nothing."""
    return u[0] - u[0].mean(0), u[1] - u[1].mean()


def _dot(a: Parameters, b: Parameters) -> float:
    return float((a[0] * b[0]).sum() + (a[1] * b[1]).sum())
