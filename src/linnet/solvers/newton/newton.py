"""Newton's method with conjugate gradients for smooth objectives, preconditioned and in mixed precision.

Only the gradient decides where the method ends; products with the Hessian merely decide how fast. So the latter stay
in the data's own precision throughout, and gradients in float32 give way to float64 once rounding is all they show.

Each step solves H d = −∇F only as far as is worth it (Dembo, Eisenstat, Steihaug, "Inexact Newton Methods", 1982), by
products H d that cost two passes over the examples, and then searches along d for enough decrease (Armijo) at a point
that is not so far beyond the minimum that the next step could not lead back.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from linnet.solvers.convex_losses import Robust, Softmax
from linnet.solvers.logistic import Logistic
from linnet.solvers.newton.direction import Parameters, dot, newton_direction, without_shift
from linnet.solvers.newton.kronecker import Kronecker
from linnet.solvers.newton.preconditioner import Inverse
from linnet.solvers.newton.quasi_newton import approach
from linnet.solvers.newton.staged import Staged
from linnet.solvers.problem import Problem, by_columns

NEWTON_STEPS = 200
STALLED = 4
"""Steps without a decrease that float64 shows before the method ends: gradients go on shrinking for a few."""
HIDDEN = 1e-8
"""Share of F that rounding errors stay below, even those of large predictions that cancel."""
SHORTEST = 1e-10
"""Share of a step below which rounding is to blame that nothing decreases."""
SINGLE_DECREASE = 1e-3
"""Decrease promised by a step, of F or absolutely, below which gradients are taken in float64."""

TIGHT = 1e-10
"""Tolerance, as a share of the loss of predicting 0 or of F at the start, below which parameters are wanted as well."""
FEWEST = 30
"""Quasi-Newton steps that are taken however cheap a dense Hessian is."""
POLISHED = 1_000_000
"""Features times outputs up to which more steps than the objective needs cost next to nothing."""
POLISHING_STEPS = 10
"""At the most, while each halves the distance to the minimum: where Newton's method converges, three or four."""


class Point(NamedTuple):
    """F, its gradient and the loss's curvature `[C, N]` at a weight and bias."""

    objective: float
    gradient: Parameters
    z: Tensor


def evaluate(problem: Problem, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Point:
    """Compute F and its gradient in one pass over the examples in `dtype`; sums over chunks and penalty in float64."""
    total, predictions = 0.0, []

    def theta(rows: slice, z: Tensor, y: Tensor) -> Tensor:
        nonlocal total
        value, derivative = problem.convex_loss.of(rows).value_and_theta(z, y)
        total += float(value.double().sum())
        predictions.append(z)
        return derivative

    gradient, slope = problem.there_and_back(weight, bias, theta, dtype)
    gradient = gradient + problem.l2 * weight
    slope = slope if problem.bias else torch.zeros_like(slope)
    objective = total / problem.n_examples + problem.penalty(weight)
    return Point(objective, (gradient, slope), predictions[0] if len(predictions) == 1 else torch.cat(predictions, 1))


def minimise(
    problem: Problem,
    weight: Tensor,
    bias: Tensor,
    done: Callable[[Point, Tensor, Tensor, float], bool],
    tolerance: float = math.inf,
    inverse: Callable[[Problem, torch.dtype], Inverse] = Staged,
) -> tuple[Tensor, Tensor, int]:
    """Minimise F without its l1 part from weight `[C, D]` and bias `[C]`, float64.

    Args:
        problem: the training problem.
        weight: where to start, `[C, D]`.
        bias: where to start, `[C]`.
        done: of the point, in float64, its weight and bias, and the last Newton step's promised decrease (inf before
            the first): whether to stop.
        tolerance: that `done` asks of F. If it is tight, the last steps go on until the gradient shrinks no more.
        inverse: makes the preconditioner.

    Returns:
        weight, bias and the number of steps. It stops as well where rounding in float64 hides any further decrease.
    """
    fast = _in_single_precision(problem)
    low = dtype = fast.x.dtype
    preconditioner = inverse(fast, low)
    point, promised, majorise, stalled = evaluate(fast, weight, bias, dtype), float("inf"), 1.0, 0
    wanted = is_tight(problem, tolerance, point.objective)
    if wanted and fast is not problem and problem.x.numel() <= BY_COLUMNS:
        problem = replace(problem, x=by_columns(problem.x, torch.float64))
    enough = 0.0 if wanted or problem.l2 == 0 else problem.l2 * tolerance
    approached = 0
    if isinstance(preconditioner, Staged) and isinstance(preconditioner.inverse, Kronecker):
        weight, bias, approached = approach(
            fast, weight, bias, point, preconditioner.inverse, lambda w, b: evaluate(fast, w, b, low), enough,
            max(int(preconditioner.limit), FEWEST),
        )  # fmt: skip
        dtype = torch.float64
        point = evaluate(problem, weight, bias, dtype)
    for step in range(NEWTON_STEPS):
        if dtype != torch.float64 and (promised < SINGLE_DECREASE * (1 + abs(point.objective)) or stalled):
            dtype, stalled = torch.float64, 0
            point = evaluate(problem, weight, bias, dtype)
        if dtype == torch.float64 and (done(point, weight, bias, promised) or stalled == STALLED):
            if wanted:
                weight, bias = _polished(problem, weight, bias, point, preconditioner, tolerance)
            return weight, bias, approached + step
        curvature = problem.convex_loss.curvature(point.z, _targets(problem, dtype), majorise).to(low)
        preconditioner.update(curvature)
        direction = newton_direction(fast, point.gradient, curvature, preconditioner, low, enough)
        promised = -0.5 * dot(point.gradient, direction)
        scale, trial = _search(problem if dtype == torch.float64 else fast, weight, bias, point, direction, dtype)
        if scale == 0 or not trial.objective < point.objective:
            stalled += 1
        # Only losses with flat pieces look at `majorise`: the closer to their end, the more of Newton's own step.
        majorise = max(majorise / 10, 1e-12) if scale == 1 else min(1.0, majorise * 10)
        if scale > 0:
            weight, bias, point = weight + scale * direction[0], bias + scale * direction[1], trial
    return weight, bias, approached + NEWTON_STEPS


BY_COLUMNS = 4_000_000
"""Features up to which a copy by columns is worth its time and memory for many steps in float64."""
SINGLE_NUMBERS = 100_000
"""Features times outputs from which on a copy of the features in float32 saves time."""
SINGLE_RANGE = 1e-6, 1e6
"""Largest feature for which squares in float32 are safe."""


def is_worth_single_precision(problem: Problem) -> bool:
    """Return whether a problem is so large, and of such a kind, that its way to the minimum begins in float32."""
    known = isinstance(problem.convex_loss, Softmax | Logistic) and problem.l2 > 0 and problem.l1 == 0
    return known and problem.x.numel() * problem.n_outputs >= SINGLE_NUMBERS


def _in_single_precision(problem: Problem) -> Problem:
    """Return the problem with features in float32 where that saves time: only the speed depends on them."""
    x = problem.x
    if not is_worth_single_precision(problem) or x.dtype != torch.float64 or x.is_meta:
        return problem
    single = x.float()
    low, high = torch.aminmax(single)  # all at once: by columns it takes ten times as long
    if not SINGLE_RANGE[0] < max(float(high), -float(low)) < SINGLE_RANGE[1]:
        return problem
    return replace(problem, x=single)


def _search(
    problem: Problem, weight: Tensor, bias: Tensor, point: Point, direction: Parameters, dtype: torch.dtype
) -> tuple[float, Point]:
    """Return how much of a step to take, and the point there; 0 if no part of it brings a decrease."""
    slope, slack = dot(point.gradient, direction), 4 * torch.finfo(dtype).eps * abs(point.objective)
    scale, shortest = 1.0, SHORTEST
    while True:
        trial = evaluate(problem, weight + scale * direction[0], bias + scale * direction[1], dtype)
        steep, shorter = dot(trial.gradient, direction), scale / 2
        lower = trial.objective <= point.objective + 1e-4 * scale * slope + slack
        # F is convex, so a flatter slope is that of a lower point, even where rounding errors of F hide it.
        lower |= abs(steep) <= 0.5 * abs(slope) and trial.objective <= point.objective + HIDDEN * abs(point.objective)
        if lower and not _overshoots(problem, point, trial, direction, scale, slack):
            return scale, trial
        if scale == 1 and not isinstance(problem.convex_loss, Robust):  # curvature is mostly within some units of z
            change = float((trial.z - point.z).abs().max())
            shortest /= max(1.0, change) if math.isfinite(change) else 1.0
        if abs(slope) < steep < math.inf and math.isfinite(trial.objective):
            # Where the tangents at both ends meet: near the minimum, if that is where all the curvature is.
            meet = (point.objective - trial.objective + scale * steep) / (steep - slope)
            shorter = min(max(meet, scale / 1000), shorter)
        if shorter < shortest:
            return 0.0, point
        scale = shorter


def _overshoots(
    problem: Problem, point: Point, trial: Point, direction: Parameters, scale: float, slack: float
) -> bool:
    """Return whether Newton's step along the line, from `trial` back towards the minimum, would pass the start.

    Examples far on the wrong side have hardly any curvature. Where all that is left is theirs, steps are far too long.
    """
    slope = dot(trial.gradient, direction)
    if scale * slope <= slack:  # the minimum along the line is further on, or here
        return False
    change = (trial.z - point.z).double() / scale
    curvature = problem.convex_loss.curvature(trial.z.double(), problem.targets, 1.0)
    bend = float((change * problem.convex_loss.product(curvature, change)).sum()) / problem.n_examples
    bend += problem.l2 * float(direction[0].square().sum())
    return slope > scale * bend


def is_tight(problem: Problem, tolerance: float, start: float) -> bool:
    """Return whether `tolerance` is so small that the parameters are wanted as well as F, which is `start` at first.

    F at the start does not show that alone: with a good start it can be as small as F at the minimum.
    """
    if isinstance(problem.convex_loss, Softmax) and problem.convex_loss.allowed is None:
        return tolerance < TIGHT * max(abs(start), math.log(problem.n_outputs))
    zeros = torch.zeros(problem.n_outputs, problem.n_examples, dtype=torch.float64)
    of_zeros = float(problem.convex_loss.value_and_theta(zeros, problem.targets)[0].mean())
    return tolerance < TIGHT * max(abs(start), abs(of_zeros))


def _polished(
    problem: Problem, weight: Tensor, bias: Tensor, point: Point, preconditioner: Inverse, tolerance: float
) -> Parameters:
    """Take full Newton steps near the minimum as long as they halve the distance to it.

    An objective that is right to ε leaves errors of the order of √ε in the parameters. Rounding hides the progress in
    F, so it is measured by ∇Fᵀ H⁻¹ ∇F with the H of the step's start: twice F − F* if F were quadratic.
    """
    if problem.x.dtype != torch.float64 or problem.x.numel() * problem.n_outputs > POLISHED:
        return weight, bias
    for _ in range(POLISHING_STEPS):
        curvature = problem.convex_loss.curvature(point.z, _targets(problem, torch.float64), 1e-12)
        preconditioner.update(curvature)
        move = newton_direction(problem, point.gradient, curvature, preconditioner, torch.float64)
        trial = evaluate(problem, weight + move[0], bias + move[1], torch.float64)
        nearer = _decrement(problem, trial, preconditioner) < 0.25 * _decrement(problem, point, preconditioner)
        if not (nearer and trial.objective <= point.objective + max(tolerance, HIDDEN * abs(point.objective))):
            break
        weight, bias, point = weight + move[0], bias + move[1], trial
    return weight, bias


def _decrement(problem: Problem, point: Point, preconditioner: Inverse) -> float:
    """Compute ∇Fᵀ H⁻¹ ∇F at a point, with the preconditioner's H."""
    gradient = without_shift(problem, point.gradient)
    return dot(gradient, preconditioner(*gradient))


def _targets(problem: Problem, dtype: torch.dtype) -> Tensor:
    return problem.y.to(dtype) if problem.y.is_floating_point() else problem.y
