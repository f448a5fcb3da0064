"""A second solver of linnet's convex problems, in decimal arithmetic of 100 digits: slow, simple and independent.

Smooth objectives are minimised by Newton steps, damped as Levenberg did. An L1 penalty is linear once the signs of the
weights are known: those are changed until the optimality conditions hold. Absolute error has its kinks |t| replaced by
√(t² + ε²), with an ε that falls to 10⁻²⁶ of the residuals and moves the optimum's objective by less than that share.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from decimal_problem import ONE, SHARPEST, ZERO, Numbers, Problem, solve_linear


@dataclass(frozen=True)
class Reference:
    """params `[C, P]`, the bias last; objective F there; gap: F − F* as Newton's decrement estimates it."""

    params: Numbers
    objective: Decimal
    gap: Decimal


def minimise(problem: Problem, start: Numbers | None = None, max_steps: int = 2000) -> Reference:
    """Minimise a problem to some 30 digits; `gap` says if that was reached.

    Args:
        start: params `[C, P]`; None: zeros.
        max_steps: Newton steps over all stages of ε.
    """
    if problem.absolute and problem.kind != "absolute":
        return _by_signs(problem, start, max_steps)
    return _smoothed(problem, start, max_steps)


def _by_signs(problem: Problem, start: Numbers | None, max_steps: int) -> Reference:
    """Solve with given signs; then drop weights that crossed 0, or free the one that wants to leave 0 most."""
    d = problem.x.shape[1]
    shape = (problem.n_outputs, problem.design.shape[1])
    params = np.full(shape, ZERO) if start is None else start.copy()
    signs = np.sign(params[:, :d].astype(float)).astype(int).astype(object)
    for _ in range(60):
        params[:, :d] = np.where(signs == 0, ZERO, params[:, :d])
        before = params
        fixed = replace(problem, signs=signs)
        found = _smoothed(fixed, params, max_steps)
        after = found.params
        crossed = (signs != 0) & (after[:, :d] * signs < 0)
        if crossed.any():  # go as far as the first weight that becomes 0, and leave it there
            w, moved = before[:, :d], after[:, :d]
            shares = np.where(crossed, w / np.where(crossed, w - moved, ONE), ONE)
            share = min(shares.ravel())
            params = before + share * (after - before)
            signs = np.where(crossed & (shares == share), 0, signs)
            continue
        params = after
        pull = -replace(problem, absolute=ZERO).derivatives(params, ZERO, ZERO)[0].reshape(shape)[:, :d]
        excess = np.where(signs == 0, abs(pull) - problem.absolute, -ONE)
        if excess.max() <= problem.absolute * SHARPEST:
            return Reference(params, problem.objective(params), found.gap)
        first = np.unravel_index(excess.argmax(), excess.shape)
        signs = signs.copy()
        signs[first] = 1 if pull[first] > 0 else -1
    return Reference(params, problem.objective(params), Decimal("Infinity"))


def _smoothed(problem: Problem, start: Numbers | None, max_steps: int) -> Reference:
    size = problem.design.shape[1]
    params = np.full((problem.n_outputs, size), ZERO) if start is None else start
    # A scale of each coefficient for Levenberg's damping: steps are the same in any units of the columns.
    damping = np.tile((problem.weight[:, None] * problem.design**2).sum(0), problem.n_outputs)
    damping = np.where(damping == 0, ONE, damping)
    y_scale = _size(problem)
    kinks = problem.kind == "absolute"
    sharp, steps, gap = ONE if kinks else SHARPEST, 0, Decimal("Infinity")
    eps_loss, eps_weight = y_scale, y_scale / _largest(problem)
    while True:
        if sharp < ONE:
            spread = _spread(problem, params)
            # Weights that vanish would sharpen their kinks faster than Newton's method can follow.
            eps_loss, eps_weight = sharp * spread[0], max(sharp * spread[1], eps_weight / 10)
        params, used, gap = _newton(problem, params, eps_loss, eps_weight, damping, max_steps - steps)
        steps += used
        if sharp <= SHARPEST or steps >= max_steps:
            slack = eps_loss + problem.absolute * eps_weight * size if kinks else ZERO
            objective = problem.objective(params)
            return Reference(params, objective, min(gap + slack, objective) if kinks else gap + slack)
        sharp = max(SHARPEST, sharp / 10)


def _spread(problem: Problem, params: Numbers) -> tuple[Decimal, Decimal]:
    """Sizes of residuals and of weights, never 0."""
    y = _size(problem)
    residual = max(abs(value) for value in (problem.design @ params.T - problem.y[:, None]).ravel())
    weight = max((abs(value) for value in params[:, : problem.x.shape[1]].ravel()), default=ZERO)
    return max(residual, y * Decimal(10) ** -20), max(weight, y / _largest(problem) * Decimal(10) ** -20)


def _largest(problem: Problem) -> Decimal:
    """Largest feature, never 0."""
    return max(abs(value) for value in problem.x.ravel()) or ONE


def _size(problem: Problem) -> Decimal:
    return ONE if problem.kind == "softmax" else max(abs(value) for value in problem.y) or ONE


def _newton(
    problem: Problem, params: Numbers, eps_loss: Decimal, eps_weight: Decimal, damping: Numbers, max_steps: int
) -> tuple[Numbers, int, Decimal]:
    value, level = problem.value(params, eps_loss, eps_weight), Decimal(10) ** -6
    gap, free = Decimal("Infinity"), problem.free()
    for step in range(max_steps):
        gradient, hessian = problem.derivatives(params, eps_loss, eps_weight)
        while True:
            direction = np.full(len(free), ZERO)
            direction[free] = solve_linear((hessian + np.diag(level * damping))[np.ix_(free, free)], gradient[free])
            decrease = gradient @ direction
            moved = params - direction.reshape(params.shape)
            reached = problem.value(moved, eps_loss, eps_weight)
            if reached <= value - decrease / 10**4 or decrease <= abs(value) * Decimal(10) ** -60:
                break
            level = max(level * 10, Decimal(10) ** -30)
            if level > 10**40:
                return params, step + 1, decrease
        params, value, gap = (moved, reached, decrease) if reached <= value else (params, value, decrease)
        if level <= Decimal(10) ** -20 and decrease <= (abs(value) + SHARPEST) * Decimal(10) ** -36:
            return params, step + 1, gap
        level = max(level / 1000, Decimal(10) ** -50)
    return params, max_steps, gap
