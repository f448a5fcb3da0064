"""Lasso: a convex quadratic with absolute values. Coordinate descent finds the support, exact solves on it the numbers.

Coordinate descent (Friedman, Hastie, Tibshirani, 2010) does not care how features are scaled, and makes exact zeros,
but may need thousands of sweeps for the last digits. On a fixed support with fixed signs the problem is a linear
system; a line search over the points where signs change keeps every such step a descent (feature-sign search: Lee,
Battle, Raina, Ng, 2006). The two in turn end after finitely many steps.
"""

import contextlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.solvers.convex_losses import Quadratic
from linnet.solvers.problem import Problem


def lasso(problem: Problem, weight: Tensor) -> tuple[Tensor, Tensor, int]:
    """Minimise F of squared error with an l1 part in the penalty, from weight `[C, D]`, float64.

    Features and targets about their weighted means need no bias, which follows from the means.

    Returns:
        weight, with exact zeros, bias, and the number of rounds of the output that took the most.
    """
    assert isinstance(problem.convex_loss, Quadratic)
    y, scale, n_features = problem.targets, problem.convex_loss.scale, problem.n_features
    zero = torch.zeros(n_features, dtype=torch.float64)
    mean_x, mean_y = zero, torch.zeros(problem.n_outputs, dtype=torch.float64)
    if problem.bias:
        ones = torch.ones(1, problem.n_examples, dtype=torch.float64)
        mean_x = problem.transpose(problem.convex_loss.times_weight(ones))[0]
        mean_y = problem.convex_loss.mean(y.T)[:, 0]
    gram = torch.zeros(n_features, n_features, dtype=torch.float64)
    product = torch.zeros(problem.n_outputs, n_features, dtype=torch.float64)
    for rows, x, _ in problem.chunks(torch.float64):
        centred = x - mean_x
        weighted = problem.convex_loss.of(rows).times_weight(centred.T)
        gram += weighted @ centred
        product += (weighted @ (y[rows] - mean_y)).T
    hessian = gram * (scale / problem.n_examples) + problem.l2 * torch.eye(n_features, dtype=torch.float64)
    linear = product * (scale / problem.n_examples)
    threshold = torch.full((n_features,), problem.l1, dtype=torch.float64)
    solved = [
        quadratic_l1(hessian.numpy(), right.numpy(), threshold.numpy(), start.numpy())
        for right, start in zip(linear, weight, strict=True)
    ]
    weight = torch.stack([torch.from_numpy(w) for w, _ in solved])
    return weight, mean_y - weight @ mean_x, max(rounds for _, rounds in solved)


Array = NDArray[np.float64]
SWEEPS = 3
ROUNDS = 500
NEARLY_SINGULAR, RIDGE = 1e-6, 1e-10
LONGEST = 1e100
"""A step beyond this says that H is 0 but for rounding."""
ROUNDING = 64 * np.finfo(np.float64).eps


def quadratic_l1(hessian: Array, linear: Array, threshold: Array, start: Array) -> tuple[Array, int]:
    """Minimise ½ wᵀHw − cᵀw + Σ_j a_j|w_j|.

    Args:
        hessian: H `[n, n]`, symmetric, positive semidefinite.
        linear: c `[n]`.
        threshold: a `[n]`, at least 0.
        start: `[n]`.

    Returns:
        w `[n]` with exact zeros, and the number of rounds.
    """
    w = start.copy()
    diagonal = np.ascontiguousarray(hessian.diagonal())
    # A step along a feature that is constantly 0 goes nowhere.
    usable = np.flatnonzero(diagonal > 0)
    residual = linear - hessian @ w  # minus the gradient of the smooth part
    small = ROUNDING * (np.abs(linear).max(initial=0.0) + np.abs(hessian) @ np.abs(w))
    for n_rounds in range(ROUNDS):
        moving = usable[(w[usable] != 0) | (np.abs(residual[usable]) > threshold[usable] + small[usable])]
        for _ in range(SWEEPS):
            _sweep(hessian, diagonal, threshold, moving, w, residual)
        w = _exact_on_support(hessian, linear, threshold, diagonal, w)
        residual = linear - hessian @ w
        small = ROUNDING * (np.abs(linear).max(initial=0.0) + np.abs(hessian) @ np.abs(w))
        if (_violation(w, residual, threshold, diagonal) <= small).all():
            return w, n_rounds + 1
    return w, ROUNDS


def _sweep(hessian: Array, diagonal: Array, threshold: Array, moving: Array, w: Array, residual: Array) -> None:
    """Minimise over one coordinate after the other, in place."""
    for j in moving:
        old, bend = w[j], diagonal[j]
        pull = residual[j] + bend * old
        new = np.sign(pull) * max(abs(pull) - threshold[j], 0.0) / bend
        if new != old:
            residual += hessian[j] * (old - new)
            w[j] = new


def _exact_on_support(hessian: Array, linear: Array, threshold: Array, diagonal: Array, w: Array) -> Array:
    """Move to the minimum for w's signs, or the best point on the way; repeat with the signs found there."""
    for _ in range(len(w) + 1):
        support = np.flatnonzero((w != 0) | ((threshold == 0) & (diagonal > 0)))
        if not len(support):
            return w
        sub, signs = hessian[np.ix_(support, support)], np.sign(w[support])
        here = w[support]
        step = _newton_step(sub, linear[support] - threshold[support] * signs - sub @ here)
        target = here + step
        if not np.abs(step).max() < LONGEST:
            return w
        flips = (np.sign(here) * np.sign(target) < 0) & (threshold[support] > 0)
        if not flips.any():
            w = w.copy()
            w[support] = target
            return w
        # The objective along the way is a parabola between sign changes; its lowest point lies at one of them or at
        # the end, for beyond the first change the absolute value only bends it upwards.
        ratios = np.unique(np.append(-here[flips] / step[flips], 1.0))
        candidates = here + ratios[:, None] * step
        bent, pull = sub @ step, linear[support]
        smooth = ratios * (step @ (sub @ here - pull) + 0.5 * ratios * (step @ bent))
        values = smooth + (np.abs(candidates) - np.abs(here)) @ threshold[support]
        best = int(values.argmin())
        if not values[best] < 0:
            return w
        point = candidates[best]
        # The coordinate whose sign changes here is exactly 0, whatever rounding left of it.
        point[flips & (np.abs(-here / np.where(step == 0, 1.0, step) - ratios[best]) <= 0)] = 0.0
        w = w.copy()
        w[support] = point
    return w


def _newton_step(matrix: Array, downhill: Array) -> Array:
    """Solve H d = −gradient for a positive semidefinite H.

    Where H is singular, a trace of ridge makes d immensely long in flat directions along which the objective still
    falls: it does so until a sign changes. In flat directions without a slope d stays small.
    """
    scale = np.sqrt(matrix.diagonal())
    scaled, downhill = matrix / scale / scale[:, None], downhill / scale
    factor = None
    with contextlib.suppress(np.linalg.LinAlgError):
        factor = np.linalg.cholesky(scaled)
    if factor is None or factor.diagonal().min() < NEARLY_SINGULAR:
        scaled = scaled + RIDGE * np.eye(len(scaled))
    step = np.linalg.solve(scaled, downhill)
    return (step + np.linalg.solve(scaled, downhill - scaled @ step)) / scale


def _violation(w: Array, residual: Array, threshold: Array, diagonal: Array) -> Array:
    """Return each coordinate's violation of its optimality condition, in units of the gradient."""
    at_zero = np.maximum(np.abs(residual) - threshold, 0.0)
    elsewhere = np.abs(residual - threshold * np.sign(w))
    return np.where(diagonal <= 0, 0.0, np.where((w == 0) & (threshold > 0), at_zero, elsewhere))
