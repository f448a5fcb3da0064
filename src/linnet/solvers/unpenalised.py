"""Solve problems without a penalty: prove optimality, or that there is no optimum."""

from dataclasses import replace

import torch
from torch import Tensor

from linnet.solvers.certificates.exact_dual import exact_bound
from linnet.solvers.certificates.self_concordance import applies, self_concordant_bound
from linnet.solvers.convex_losses import Poisson, Robust, Softmax
from linnet.solvers.exact_arithmetic.separation import Recession, recession, separates
from linnet.solvers.intercept import best_intercept
from linnet.solvers.newton import newton
from linnet.solvers.newton.newton import Point
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import Problem
from linnet.solvers.robust.unpenalised import solve_robust
from linnet.solvers.row_space import NEWTON, covers_all_weights, minimise_whitened, rank_note, row_space

EXACT = "duality gap: dual point that is feasible in exact arithmetic"


def solve_unpenalised(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    """Minimise the mean of a loss other than squared error from weight `[C, D]` and bias `[C]`, float64."""
    if isinstance(problem.convex_loss, Robust):
        return solve_robust(problem, weight, bias, tolerance)
    return _curved(problem, weight, bias, tolerance)


def _curved(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
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
        weight, bias, steps = minimise_whitened(problem, space, weight, bias, close, tolerance)
    if separating is not None:
        return _nothing(
            problem, 0.0, 0.0, "an iterate separates the classes, and the loss is never negative", steps, separating
        )
    if space is not None and (best is None or not torch.equal(weight, best[1])):
        last = self_concordant_bound(problem, space, weight, bias)
        # Within tolerance the last point is the best one: only its gradient still shows that.
        if last is not None and (best is None or last[1] <= max(tolerance, best[0][1])):
            best = last, weight, bias
    if best is not None and space is not None and best[0][1] <= tolerance and covers_all_weights(problem, space):
        found, weight, bias = best
        words = "self-concordance: Newton decrement" + rank_note(problem, space)
        return Optimum(weight, bias, *found, words, isinstance(convex_loss, Poisson) and space.full, NEWTON, steps)
    if best is not None:
        found, weight, bias = best
    exact = exact_bound(problem, weight, bias, tolerance)
    if exact is not None:
        unique = isinstance(convex_loss, Poisson) and exact.full
        return Optimum(weight, bias, exact.objective, exact.bound, EXACT, unique, NEWTON, steps)
    return _at_infinity(problem, weight, bias, tolerance, steps)


def _at_infinity(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float, steps: int) -> Optimum:
    """Look for a direction of recession, after no minimum was proven."""
    objective = float(problem.convex_loss.value_and_theta(problem.predict(weight, bias), problem.targets)[0].mean())
    # At p = 0 and p = y the conjugates are known: entropy of the smoothed labels, and Σ y log y − y.
    lowest = _trivial_lower_bound(problem)
    words = "only that no example's loss can be lower than its own least"
    smoothed = isinstance(problem.convex_loss, Softmax) and problem.convex_loss.label_smoothing > 0
    try:
        found = None if smoothed else recession(problem)  # with smoothed labels the infimum is always attained
    except ValueError as error:
        return Optimum(weight, bias, objective, objective - lowest, f"{words}; {error}", False, NEWTON, steps)
    if found is None:
        return Optimum(weight, bias, objective, objective - lowest, words, False, NEWTON, steps)
    return _reduced(problem, found, tolerance, steps)


def _reduced(problem: Problem, found: Recession, tolerance: float, steps: int) -> Optimum:
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
) -> Optimum:
    weight, bias = problem.zeros()
    return Optimum(weight * torch.nan, bias * torch.nan, objective, bound, words, False, NEWTON, steps, ray, False)


def _trivial_lower_bound(problem: Problem) -> float:
    """Return the mean over examples of the smallest loss of any prediction."""
    y = problem.targets
    if isinstance(problem.convex_loss, Softmax):
        q = problem.convex_loss.labels(y, problem.n_outputs, torch.float64)
        return float(problem.convex_loss.mean(-torch.xlogy(q, q).sum(0)))
    return float(problem.convex_loss.mean((y - torch.xlogy(y, y)).sum(1)))
