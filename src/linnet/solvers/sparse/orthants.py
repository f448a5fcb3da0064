"""Objectives with absolute values: Newton's method within one orthant after the other, by sparse products.

Where signs do not change, ‖W‖₁ is linear. Each step takes the orthant of the present signs, lets go of the zeros that
the gradient pulls away most, solves for Newton's step in the weights that may move by conjugate gradients, and follows
the projection of that direction onto the orthant: weights that reach 0 stay there, exactly.

Source: Bertsekas, "Projected Newton Methods for Optimization Problems with Simple Constraints", 1982, for the step;
Schmidt, "Graphical Model Structure Learning with L1-Regularization", 2010, §2.3, for the orthants.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from linnet.solvers.l1.proximal_newton import FIRST_DAMPING, POLISHING_STEPS
from linnet.solvers.newton.direction import Parameters, newton_direction
from linnet.solvers.newton.newton import Point, evaluate, is_tight
from linnet.solvers.sparse.preconditioner import CentredDiagonal
from linnet.solvers.sparse.problem import SparseProblem

STEPS = 500
FEW_STEPS = 40
"""Steps that nearly always suffice; more are taken where features nearly depend on each other."""
STALLED = 4
"""Steps without a decrease that float64 shows before the method ends."""
ENTERING = 100
"""Weights that may leave 0 in one step, at the least: half as many again as there are, if that is more."""
SHORTEST = 1e-10
"""Share of a step below which rounding is to blame that nothing decreases."""


def minimise(
    problem: SparseProblem,
    weight: Tensor,
    bias: Tensor,
    *,
    done: Callable[[Tensor, Tensor, float], bool],
    tolerance: float,
    most_steps: int = STEPS,
) -> tuple[Tensor, Tensor, int]:
    """Minimise F from weight `[C, D]` and bias `[C]`, float64.

    Args:
        problem: with an l1 part.
        weight: where to start, `[C, D]`.
        bias: where to start, `[C]`.
        done: of weight, bias and the last step's promised decrease: whether to stop.
        tolerance: that `done` asks of F. If it is tight, some more steps bring the weights nearer.
        most_steps: after which it ends anyway.

    Returns:
        weight, with exact zeros, bias, and the number of steps. It stops as well where rounding hides any decrease.
    """
    point, promised, stalled = evaluate(problem, weight, bias, torch.float64), float("inf"), 0
    left = POLISHING_STEPS if is_tight(problem, tolerance, point.objective) else 0
    majorise, damping, near = 1.0, FIRST_DAMPING, False
    for step in range(most_steps):
        near = near or done(weight, bias, promised)
        if stalled == STALLED or (near and left == 0):
            return weight, bias, step
        left -= near
        curvature = problem.convex_loss.curvature(point.z, problem.targets, majorise)
        signs = _orthant(problem, weight, point.gradient[0])
        slopes = (point.gradient[0] + problem.l1 * signs).where(signs != 0, 0.0), point.gradient[1]
        direction = _direction(problem, weight, signs, slopes, curvature, damping)
        scale, trial, there, decrease = _search(problem, weight, bias, point, slopes, direction, signs)
        promised = 0.5 * decrease
        if scale == 0 or not trial.objective < point.objective:
            stalled += 1
        factor = 0.1 if scale == 1 else 10.0
        majorise, damping = min(1.0, max(1e-12, majorise * factor)), min(1e6, max(1e-12, damping * factor))
        if scale > 0:
            weight, bias, point = *there, trial
    return weight, bias, most_steps


def _orthant(problem: SparseProblem, weight: Tensor, gradient: Tensor) -> Tensor:
    """Return the sign that each weight may have, `[C, D]`; 0 for those that stay 0 in this step."""
    pull = (gradient.abs() - problem.l1).where(weight == 0, 0.0).clamp(min=0)
    most = max(ENTERING, int((weight != 0).sum()) // 2)
    if int((pull > 0).sum()) > most:
        pull = pull.where(pull >= pull.view(-1).topk(most).values[-1], 0.0)
    return torch.where(pull > 0, -gradient.sign(), weight.sign())


def _direction(
    problem: SparseProblem, weight: Tensor, signs: Tensor, slopes: Parameters, curvature: Tensor, damping: float
) -> Parameters:
    """Return Newton's step in the weights that may move, found with their features only."""
    used = (signs != 0).any(0)
    part = problem.of_features(used)
    inverse = CentredDiagonal(part)
    inverse.free = free = (signs != 0)[:, used]
    inverse.update(curvature)
    weight, signs, slope = weight[:, used], signs[:, used], slopes[0][:, used]
    step = slope * inverse.of_weight
    # Weights that their own step would carry to 0 or beyond: in what Newton's method makes of the others they would
    # stop the projected step at once, so that they go by themselves.
    alone = (weight != 0) & (slope * signs > 0) & (step.abs() >= weight.abs())
    inverse.free = free & ~alone
    inverse.update(curvature)
    damped = replace(part, l2=part.l2 + damping * float(inverse.diagonal.mean()))
    moved = newton_direction(damped, (slope.where(inverse.free, 0.0), slopes[1]), curvature, inverse, torch.float64)
    whole = torch.zeros_like(slopes[0])
    whole[:, used] = torch.where(alone, -step, moved[0])
    return whole, moved[1]


def _search(
    problem: SparseProblem,
    weight: Tensor,
    bias: Tensor,
    point: Point,
    slopes: Parameters,
    direction: Parameters,
    signs: Tensor,
) -> tuple[float, Point, Parameters, float]:
    """Return how much of the step to take, the point there, its parameters, and the decrease that slopes promise.

    0 if no part of the step brings a decrease.
    """
    scale, slack, promised = 1.0, 4e-16 * abs(point.objective), 0.0
    while scale >= SHORTEST:
        there = weight + scale * direction[0], bias + scale * direction[1]
        there = there[0].where(there[0].sign() == signs, 0.0), there[1]
        decrease = -float((slopes[0] * (there[0] - weight)).sum() + (slopes[1] * (there[1] - bias)).sum())
        promised = max(promised, decrease)
        trial = evaluate(problem, *there, torch.float64)
        if trial.objective <= point.objective - 1e-4 * decrease + slack:
            return scale, trial, there, promised
        scale *= 0.5
    return 0.0, point, (weight, bias), promised
