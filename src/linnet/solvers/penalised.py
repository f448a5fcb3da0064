"""Solve problems with a penalty: one solver per combination of loss and penalty, the duality gap as proof for all."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from linnet.solvers.certificates.duality_gap import Certified, duality_gap
from linnet.solvers.convex_losses import Quadratic, Robust, Softmax
from linnet.solvers.intercept import best_intercept
from linnet.solvers.l1 import proximal_newton
from linnet.solvers.l1.extended_solution import Better, in_extended_precision, untied
from linnet.solvers.l1.quadratic_l1 import lasso
from linnet.solvers.newton import newton
from linnet.solvers.newton.newton import Point, is_tight
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import Problem
from linnet.solvers.robust.lad_vertex import ScaledHuber, lad_vertex, least_absolute, widths
from linnet.solvers.rounding import Predicted
from linnet.solvers.sparse.minimise import minimise
from linnet.solvers.sparse.problem import SparseProblem
from linnet.solvers.two_classes import Near, as_logistic, both, is_of_two_classes, near_whole

DUALITY = "duality gap: Fenchel dual point of the loss, feasible for penalty and bias"
SPARSE_VERTEX = 1_000
"""Unknowns of a vertex of sparse features up to which it is solved for: a dense system."""
SPARSE_WIDTHS = 4
"""Widths of Huber's loss that are tried for sparse features, down to a bound of some 1e-4 of the objective: each is
several times as hard as the last."""
NEGLIGIBLE_SLOPE = 1e-6
"""Share of the tolerance that derivatives by the bias may be: a dual point of sum 0 is as far away."""
NEAR = 1e-7
"""Relative error of weights that are wanted as well, because the tolerance is tight."""


def solve_penalised(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    """Minimise F from weight `[C, D]` and bias `[C]`, float64, to a gap of `tolerance` where rounding allows."""
    convex_loss, sparse = problem.convex_loss, isinstance(problem, SparseProblem)
    if isinstance(convex_loss, Quadratic) and not sparse:
        return _lasso(problem, weight, tolerance)
    if isinstance(convex_loss, Robust) and convex_loss.width == 0:
        return _absolute_error(problem, weight, bias, tolerance)
    weight, bias, certified, steps = _smooth(problem, weight, best_intercept(problem, weight, bias), tolerance)
    if problem.l1 > 0 and isinstance(convex_loss, Robust) and not sparse:
        better = in_extended_precision(problem, weight, bias, certified, tolerance)
    else:
        better = Better(weight, bias, certified)
    if problem.l1 > 0:
        method = "Newton within orthants, conjugate gradients" if sparse else "proximal Newton"
    else:
        method = "Newton, preconditioned conjugate gradients"
    return _solution(problem, better, method, steps)


def _solution(problem: Problem, found: Better, method: str, steps: int, unique: bool = False) -> Optimum:
    certified = found.certified
    # With l2 the objective, minimised over the bias, is strongly convex in the weight.
    unique = unique or problem.l2 > 0
    words, method = DUALITY + found.certificate, method + found.method
    return Optimum(found.weight, found.bias, certified.objective, certified.bound, words, unique, method, steps)


def _lasso(problem: Problem, weight: Tensor, tolerance: float) -> Optimum:
    assert isinstance(problem.convex_loss, Quadratic)
    weight, bias, rounds = lasso(problem, weight)
    certified = duality_gap(problem, weight, bias)
    better = in_extended_precision(problem, weight, bias, certified, tolerance)
    unique = problem.l2 == 0 and _lasso_is_unique(problem, better.certified)
    return _solution(problem, better, "coordinate descent, exact on the support", rounds, unique)


def _lasso_is_unique(problem: Problem, certified: Certified) -> bool:
    """Return whether the features that any solution can use are linearly independent.

    The dual is strongly concave, so its optimum lies within a known distance of our point; a feature whose correlation
    with the residual stays below the penalty for all of that ball is used by no solution (Ndiaye, Fercoq, Gramfort,
    Salmon, "Gap Safe Screening Rules", 2017).
    """
    assert isinstance(problem.convex_loss, Quadratic)
    convex_loss, x = problem.convex_loss, problem.x.double().T
    x = x - convex_loss.mean(x) if problem.bias else x
    x = convex_loss.times_weight(x, 0.5).T  # and θ/√w, in which the dual is strongly concave
    radius = math.sqrt(2 * problem.n_examples * problem.convex_loss.scale * certified.bound)
    reach = certified.v.abs() + x.norm(dim=0) * (radius / problem.n_examples)
    for used in reach >= problem.l1:
        columns = x[:, used]
        if columns.shape[1] == 0:
            continue
        columns = columns / columns.norm(dim=0).clamp(min=1e-300)
        if columns.shape[1] > len(x) or float(torch.linalg.svdvals(columns)[-1]) < 1e-7:
            return False
    return True


def _smooth(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> tuple[Tensor, Tensor, Certified, int]:
    """Solve for a smooth loss. End at the first point whose certificate is within tolerance, or return the best one."""
    best: tuple[Certified, Tensor, Tensor] | None = None

    def certify(weight: Tensor, bias: Tensor, known: Predicted | None = None) -> bool:
        nonlocal best
        z = None if known is None else known.z
        bias = best_intercept(problem, weight, bias, z, NEGLIGIBLE_SLOPE * tolerance)
        certified = duality_gap(problem, weight, bias, tolerance=tolerance, known=known)
        if best is None or certified.bound < best[0].bound:
            best = certified, weight, bias
        return certified.bound <= tolerance

    wanted: bool | None = None

    def close(point: Point, weight: Tensor, bias: Tensor, promised: float) -> bool:
        nonlocal wanted
        wanted = is_tight(problem, tolerance, point.objective) if wanted is None else wanted
        slope = float(point.gradient[0].norm())
        # Strongly convex: the weight is within slope / l2 of the best one. An objective that is right to its last
        # digit allows weights that are right to half as many.
        if wanted and slope > NEAR * problem.l2 * float(weight.norm()):
            return False
        return slope**2 / (2 * problem.l2) <= tolerance and certify(weight, bias, Predicted(point.z, bias))

    def proximal_close(weight: Tensor, bias: Tensor, promised: float) -> bool:
        return promised <= tolerance and certify(weight, bias)

    if isinstance(problem, SparseProblem):
        weight, bias, steps = minimise(problem, weight, bias, near=close, done=proximal_close, tolerance=tolerance)
    elif problem.l1 > 0:
        weight, bias, steps = proximal_newton.minimise(problem, weight, bias, done=proximal_close, tolerance=tolerance)
    else:
        weight, bias, steps = _newton(problem, weight, bias, close, tolerance)
    if best is None or best[0].bound > tolerance or not torch.equal(weight, best[1]):
        bias = best_intercept(problem, weight, bias)
        last = duality_gap(problem, weight, bias)
        # Within tolerance the last point is the best one: only its gradient still shows that.
        if best is None or last.bound <= max(tolerance, best[0].bound):
            best = last, weight, bias
    return best[1], best[2], best[0], steps


def _newton(
    problem: Problem, weight: Tensor, bias: Tensor, close: Near, tolerance: float
) -> tuple[Tensor, Tensor, int]:
    if not is_of_two_classes(problem):
        return newton.minimise(problem, weight, bias, done=close, tolerance=tolerance)
    logistic, start = as_logistic(problem), (weight[1:] - weight[:1], bias[1:] - bias[:1])
    weight, bias, steps = newton.minimise(logistic, *start, done=near_whole(close), tolerance=tolerance)
    return both(weight), both(bias), steps


def _absolute_error(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    best: tuple[Certified, Tensor, Tensor] | None = None
    sparse = isinstance(problem, SparseProblem)

    def certify(weight: Tensor, bias: Tensor, theta: Tensor) -> bool:
        nonlocal best
        vertex = lad_vertex(problem, weight, theta, SPARSE_VERTEX if sparse else math.inf)
        for candidate in ((weight, bias, theta), vertex):
            certified = None if candidate is None else duality_gap(problem, *candidate)
            if candidate and certified and (best is None or certified.bound < best[0].bound):
                best = certified, *candidate[:2]
        return best is not None and best[0].bound <= tolerance

    if problem.l2 == 0 and (solved := least_absolute(problem)):
        certify(*solved[:3])
        assert best is not None
        return _solution(problem, _untied(problem, *best[1:], best[0], tolerance), "linear programme", solved[3])
    # Huber's loss over its δ lies below absolute error by δ/2 at the most, has a derivative, and from some δ on tells
    # which examples the best plane passes through.
    total = 0
    for width in widths(problem)[: SPARSE_WIDTHS if sparse else None]:
        smooth = replace(problem, convex_loss=ScaledHuber(width, problem.weight))
        start = best_intercept(smooth, weight, bias)
        weight, bias, _, steps = _smooth(smooth, weight, start, max(tolerance / 4, width * 1e-3))
        total += steps
        theta = smooth.convex_loss.value_and_theta(smooth.predict(weight, bias), problem.targets)[1]
        if certify(weight, bias, theta):
            break
    assert best is not None
    method = "Newton on Huber's loss of vanishing width"
    return _solution(problem, _untied(problem, *best[1:], best[0], tolerance), method, total)


def _untied(problem: Problem, weight: Tensor, bias: Tensor, certified: Certified, tolerance: float) -> Better:
    if isinstance(problem, SparseProblem):  # extended precision is for small problems, which are dense
        return Better(weight, bias, certified)
    return untied(problem, weight, bias, certified, tolerance)


def is_coupled(problem: Problem) -> bool:
    """Return whether the outputs cannot be solved separately, or share work that is better done once."""
    return isinstance(problem.convex_loss, Softmax | Quadratic)
