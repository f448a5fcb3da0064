"""Huber's loss and absolute error without a penalty."""

from dataclasses import replace

from torch import Tensor

from linnet.solvers.certificates.robust_gap import is_unique, robust_bound
from linnet.solvers.convex_losses import Robust
from linnet.solvers.intercept import best_intercept
from linnet.solvers.newton.newton import Point
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import Problem
from linnet.solvers.robust.lad_vertex import ScaledHuber, lad_vertex, least_absolute, widths
from linnet.solvers.rounding import mean_loss, predictions
from linnet.solvers.row_space import NEWTON, RowSpace, covers_all_weights, minimise_whitened, rank_note, row_space

TRACE = 1e-6


def solve_robust(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    """Minimise the mean of Huber's loss or absolute error from weight `[C, D]` and bias `[C]`, float64."""
    assert isinstance(problem.convex_loss, Robust)
    space = row_space(problem)
    words = "duality gap: dual point moved onto Xᵀθ = 0, distance to a minimiser bounded" + rank_note(problem, space)
    if problem.convex_loss.width == 0:
        solution = _absolute_error(problem, space, weight, bias, tolerance, words)
    else:
        solution = _huber(problem, space, weight, bias, tolerance, words)
    if covers_all_weights(problem, space):
        return solution
    # All that is proven beyond the row space: no loss is negative.
    z, error = predictions(problem, solution.weight, solution.bias)
    return replace(solution, suboptimality_bound=sum(mean_loss(problem.convex_loss, z, error, problem.targets)))


def _huber(problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor, tolerance: float, words: str) -> Optimum:
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

    weight, bias, steps = minimise_whitened(
        problem, space, weight, best_intercept(problem, weight, bias), close, tolerance
    )
    found = robust_bound(problem, space, weight, bias)
    if best is not None and best[0][1] <= found[1] and found[1] > tolerance:
        found, weight, bias = best
    return Optimum(weight, bias, *found, words, is_unique(problem, space, weight, bias), NEWTON, steps)


def _absolute_error(
    problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor, tolerance: float, words: str
) -> Optimum:
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
            weight, bias, steps = minimise_whitened(smooth, space, weight, bias, close)
            total += steps
            theta = smooth.convex_loss.value_and_theta(smooth.predict(weight, bias), problem.targets)[1]
            if certify(weight, bias, theta):
                break
    assert best is not None
    return Optimum(best[1], best[2], *best[0], words, False, method, total)
