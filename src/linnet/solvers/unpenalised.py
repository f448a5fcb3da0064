"""Solve problems without a penalty: prove optimality, or that there is no optimum."""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from linnet.solvers.certificates.exact_dual import exact_bound
from linnet.solvers.certificates.robust_gap import is_unique, robust_bound
from linnet.solvers.certificates.self_concordance import applies, self_concordant_bound
from linnet.solvers.convex_losses import Poisson, Robust, Softmax
from linnet.solvers.exact_arithmetic.separation import Recession, recession, separates
from linnet.solvers.intercept import best_intercept
from linnet.solvers.newton import newton
from linnet.solvers.newton.newton import Point
from linnet.solvers.problem import Problem
from linnet.solvers.robust.lad_vertex import ScaledHuber, lad_vertex, widths
from linnet.solvers.robust.linear_programme import least_absolute
from linnet.solvers.rounding import mean_loss, predictions
from linnet.solvers.row_space import RowSpace, row_space
from linnet.solvers.solution import Solution

EXACT = "duality gap: dual point that is feasible in exact arithmetic"
TRACE = 1e-6
NEWTON = "Newton, preconditioned conjugate gradients"


def solve_unpenalised(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Solution:
    """Minimise the mean of a loss other than squared error from weight `[C, D]` and bias `[C]`, float64."""
    if isinstance(problem.convex_loss, Robust):
        return _robust(problem, weight, bias, tolerance)
    return _curved(problem, weight, bias, tolerance)


def _robust(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Solution:
    assert isinstance(problem.convex_loss, Robust)
    space = row_space(problem)
    words = "duality gap: dual point moved onto Xᵀθ = 0, distance to a minimiser bounded" + _left_out(problem, space)
    if problem.convex_loss.width == 0:
        solution = _absolute_error(problem, space, weight, bias, tolerance, words)
    else:
        solution = _huber(problem, space, weight, bias, tolerance, words)
    if _covers(problem, space):
        return solution
    # All that is proven beyond the row space: no loss is negative.
    z, error = predictions(problem, solution.weight, solution.bias)
    return solution._replace(suboptimality_bound=sum(mean_loss(problem.convex_loss, z, error, problem.targets)))


def _covers(problem: Problem, space: RowSpace) -> bool:
    """Return whether a bound over the row space holds for all weights, as it does for features with rounding errors."""
    return space.complete or problem.origin is not None


def _left_out(problem: Problem, space: RowSpace) -> str:
    """Return a certificate's note on columns that are linearly dependent up to rounding."""
    if space.complete:
        return ""
    rank = f"(rank {space.back.shape[1]} of {len(space.back)})"
    if problem.origin is not None:
        return f"; columns that depend on others to rounding count as dependent {rank}"
    return f"; columns depend on each other but for rounding {rank}, and of what they differ by nothing is proven"


def _huber(problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor, tolerance: float, words: str) -> Solution:
    best: tuple[tuple[float, float], Tensor, Tensor] | None = None

    def close(point: Point, weight: Tensor, bias: Tensor, promised: float) -> bool:
        nonlocal best
        if promised > tolerance:
            return False
        weight, bias = space.parameters(problem, weight)
        found = robust_bound(problem, space, weight, bias)
        if best is None or found[1] < best[0][1]:
            best = found, weight, bias
        return found[1] <= tolerance

    weight, bias, steps = _in_row_space(problem, space, weight, best_intercept(problem, weight, bias), close, tolerance)
    found = robust_bound(problem, space, weight, bias)
    if best is not None and best[0][1] <= found[1] and found[1] > tolerance:
        found, weight, bias = best
    return Solution(weight, bias, *found, words, is_unique(problem, space, weight, bias), NEWTON, steps)


def _absolute_error(
    problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor, tolerance: float, words: str
) -> Solution:
    best: tuple[tuple[float, float], Tensor, Tensor] | None = None

    def certify(weight: Tensor, bias: Tensor, theta: Tensor) -> bool:
        nonlocal best
        for candidate in ((weight, bias, theta), lad_vertex(problem, weight, theta)):
            found = None if candidate is None else robust_bound(problem, space, *candidate)
            if candidate and found and (best is None or found[1] < best[0][1]):
                best = found, *candidate[:2]
        return best is not None and best[0][1] <= tolerance

    if solved := least_absolute(problem):
        method, total = "linear programme", solved[3]
        certify(*solved[:3])
    else:
        method, total = "Newton on Huber's loss of vanishing width", 0
        for width in widths(problem):
            # A trace of l2 keeps Newton's matrix regular where few examples are left within the width.
            smooth = replace(problem, convex_loss=ScaledHuber(width, problem.weight), l2=TRACE / widths(problem)[0])
            goal = 1e-9 * width

            def close(point: Point, weight: Tensor, bias: Tensor, promised: float, goal: float = goal) -> bool:
                return promised <= goal

            bias = best_intercept(smooth, weight, bias)
            weight, bias, steps = _in_row_space(smooth, space, weight, bias, close)
            total += steps
            theta = smooth.convex_loss.value_and_theta(smooth.predict(weight, bias), problem.targets)[1]
            if certify(weight, bias, theta):
                break
    assert best is not None
    return Solution(best[1], best[2], *best[0], words, False, method, total)


def _curved(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Solution:
    """Solve softmax and Poisson regression, whose infimum may be approached only at infinity."""
    convex_loss = problem.convex_loss
    provable = applies(problem)
    space = row_space(problem) if provable else None
    best: tuple[tuple[float, float], Tensor, Tensor] | None = None
    separating: tuple[Tensor, Tensor] | None = None

    def close(point: Point, weight: Tensor, bias: Tensor, promised: float) -> bool:
        nonlocal best, separating
        if space is not None:
            weight, bias = space.parameters(problem, weight)
        if (
            isinstance(convex_loss, Softmax)
            and convex_loss.label_smoothing == 0
            and convex_loss.allowed is None
            and separates(problem, weight, bias)
        ):
            separating = weight, bias
            return True
        if space is None or promised > max(tolerance, 1e-12 * abs(point.objective)):
            return promised <= tolerance
        found = self_concordant_bound(problem, space, weight, bias)
        if found is not None and (best is None or found[1] < best[0][1]):
            best = found, weight, bias
        return found is not None and found[1] <= tolerance

    bias = best_intercept(problem, weight, bias)
    if space is None:
        weight, bias, steps = newton.minimise(problem, weight, bias, done=close)
    else:
        weight, bias, steps = _in_row_space(problem, space, weight, bias, close, tolerance)
    if separating is not None:
        return _nothing(
            problem, 0.0, 0.0, "an iterate separates the classes, and the loss is never negative", steps, separating
        )
    if space is not None and (best is None or not torch.equal(weight, best[1])):
        last = self_concordant_bound(problem, space, weight, bias)
        # Within tolerance the last point is the best one: only its gradient still shows that.
        if last is not None and (best is None or last[1] <= max(tolerance, best[0][1])):
            best = last, weight, bias
    if best is not None and space is not None and best[0][1] <= tolerance and _covers(problem, space):
        found, weight, bias = best
        words = "self-concordance: Newton decrement" + _left_out(problem, space)
        return Solution(weight, bias, *found, words, isinstance(convex_loss, Poisson) and space.full, NEWTON, steps)
    if best is not None:
        found, weight, bias = best
    exact = exact_bound(problem, weight, bias, tolerance)
    if exact is not None:
        unique = isinstance(convex_loss, Poisson) and exact.full
        return Solution(weight, bias, exact.objective, exact.bound, EXACT, unique, NEWTON, steps)
    return _at_infinity(problem, weight, bias, tolerance, steps)


def _in_row_space(
    problem: Problem,
    space: RowSpace,
    weight: Tensor,
    bias: Tensor,
    done: Callable[[Point, Tensor, Tensor, float], bool],
    tolerance: float = math.inf,
) -> tuple[Tensor, Tensor, int]:
    """Run Newton's method in whitened coordinates, where the features cause no flat or badly scaled directions."""
    if space.examples.shape[1] == 0:  # nothing but zeros
        return *problem.zeros(), 0
    white = replace(problem, x=space.examples, y=problem.targets, bias=False)
    start = space.coordinates(problem, weight, bias)
    v, _, steps = newton.minimise(white, start, torch.zeros_like(bias), done=done, tolerance=tolerance)
    return *space.parameters(problem, v), steps


def _at_infinity(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float, steps: int) -> Solution:
    """Look for a direction of recession, after no minimum was proven."""
    objective = float(problem.convex_loss.value_and_theta(problem.predict(weight, bias), problem.targets)[0].mean())
    # At p = 0 and p = y the conjugates are known: entropy of the smoothed labels, and Σ y log y − y.
    lowest = _trivial_lower_bound(problem)
    words = "only that no example's loss can be lower than its own least"
    try:
        found = None if _always_attained(problem) else recession(problem)
    except ValueError as error:
        return Solution(weight, bias, objective, objective - lowest, f"{words}; {error}", False, NEWTON, steps)
    if found is None:
        return Solution(weight, bias, objective, objective - lowest, words, False, NEWTON, steps)
    return _reduced(problem, found, tolerance, steps)


def _reduced(problem: Problem, found: Recession, tolerance: float, steps: int) -> Solution:
    """Compute the infimum by solving the problem that remains along the direction of recession.

    Along the direction, logits whose margins grow vanish from the loss, and the loss without them is never larger: both
    have the same infimum. Examples of which only the label is left cost nothing.
    """
    ray = (found.weight, found.bias)
    words = "a direction, checked in exact arithmetic, in which losses fall for ever"
    if isinstance(problem.convex_loss, Poisson):
        rest, classes = ~found.grows[0], torch.arange(1)
    else:
        label = torch.nn.functional.one_hot(problem.y, problem.n_outputs).T.bool()
        counted = label | ~found.grows
        assert isinstance(problem.convex_loss, Softmax)
        if problem.convex_loss.allowed is not None:
            counted &= problem.convex_loss.allowed
        rest = (counted & ~label).any(0)
        classes = torch.arange(problem.n_outputs)[counted[:, rest].any(1)]
    if not rest.any():
        return _nothing(problem, 0.0, 0.0, words, steps, ray)
    smaller, share = problem.restricted(rest)
    if isinstance(smaller.convex_loss, Softmax):
        kept = counted[classes][:, rest]
        smaller = replace(
            smaller, y=torch.searchsorted(classes, smaller.y), n_outputs=len(classes),
            convex_loss=smaller.convex_loss.among(None if kept.all() else kept),
        )  # fmt: skip
    inner = solve_unpenalised(smaller, *smaller.zeros(), tolerance)
    return _nothing(
        problem, share * inner.objective, share * inner.suboptimality_bound,
        f"{words}; of what it leaves: {inner.certificate}", steps + inner.iterations, ray,
    )  # fmt: skip


def _nothing(
    problem: Problem, objective: float, bound: float, words: str, steps: int, ray: tuple[Tensor, Tensor]
) -> Solution:
    weight, bias = problem.zeros()
    return Solution(weight * torch.nan, bias * torch.nan, objective, bound, words, False, NEWTON, steps, ray, False)


def _always_attained(problem: Problem) -> bool:
    return isinstance(problem.convex_loss, Softmax) and problem.convex_loss.label_smoothing > 0


def _trivial_lower_bound(problem: Problem) -> float:
    """Return the mean over examples of the smallest loss of any prediction."""
    y = problem.targets
    if isinstance(problem.convex_loss, Softmax):
        q = problem.convex_loss.labels(y, problem.n_outputs, torch.float64)
        return float(problem.convex_loss.mean(-torch.xlogy(q, q).sum(0)))
    return float(problem.convex_loss.mean((y - torch.xlogy(y, y)).sum(1)))
