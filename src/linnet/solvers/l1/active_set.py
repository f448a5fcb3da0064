"""Active-set Newton method in extended precision, for piecewise quadratic losses with an l1 penalty.

Squared error and Huber's loss, plus l1 ‖W‖₁ + l2/2 ‖W‖², of one output. With given signs of the weights and
given examples within the parabola the objective is quadratic: a Newton step goes to its minimum, or to the lowest
point on the way, where signs or examples change (feature-sign search: Lee, Battle, Raina, Ng, 2006; for Huber's loss
Madsen and Nielsen, "Finite algorithms for robust linear regression", 1990). Steps come from the singular values of the
rows, never from their Gram matrix, and gradients from residuals in twice the working precision, so that a penalty
counts that is below the rounding errors of XᵀX and Xᵀy.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.solvers.extended_precision import Array, Extended, extended, two_product
from linnet.solvers.l1.extended_sums import At, Sums, lowest_point
from linnet.solvers.problem import Problem
from linnet.solvers.rounding import UNIT_ROUNDOFF

LARGEST = 1e7
"""N P² up to which a step takes a tenth of a second at the most: some ten times as many operations."""
STEPS = 300
FLAT = 1e-30
"""Singular value that stands for 0, of columns of unit length or less."""


class Refined(NamedTuple):
    """weight `[1, D]` with exact zeros, bias `[1]`, dual variables `[1, N]`, steps; optimal: to extended precision."""

    weight: Tensor
    bias: Tensor
    theta: Tensor
    steps: int
    optimal: bool


def is_small(problem: Problem) -> bool:
    """Return whether the problem is small enough for `refine`."""
    return problem.n_examples * (problem.n_features + 1) ** 2 <= LARGEST


def refine(problem: Problem, weight: Tensor, bias: Tensor) -> Refined:
    """Minimise F of one output from weight `[1, D]` and bias `[1]`, float64; the loss is quadratic or Huber's."""
    sums = Sums(problem)
    start = torch.cat([weight[0], bias[: int(problem.bias)]]).numpy()
    params, previous, entering = extended(start[:, None]), math.inf, -1
    for step in range(STEPS):
        at = sums.at(params)
        signs, free = _active(sums, params)
        if entering >= 0:
            free[entering], signs[entering] = True, np.sign(at.pull.high[entering, 0])
        downhill, doubt = sums.downhill(at, signs)[free], at.doubt[free]
        root, unit = sums.root(at, free)
        if not (np.isfinite(root).all() and np.isfinite(downhill).all()):  # squares overflow
            break
        direction = np.zeros(len(signs))
        direction[free] = _newton_step(root, downhill / unit, doubt / unit) / unit
        pieces = sums.pieces(at, params, signs, direction, free)
        share, kinks = lowest_point(float(downhill @ direction[free]), pieces)
        length = float(np.linalg.norm((direction * share)[free] * unit))
        size = float(np.linalg.norm(params.high[free, 0] * unit))
        settled = (np.abs(downhill) <= doubt).all() or (length <= UNIT_ROUNDOFF * size and not length < previous / 2)
        if share == 0 and not settled:
            return _result(sums.bias, params, at, step, optimal=False)
        if settled:
            entering = sums.most_wanting(at, params)
            if entering < 0:
                return _result(sums.bias, params, sums.at(_inward(sums, at, params)), step, optimal=True)
            previous = math.inf
            continue
        params = params.plus(Extended(*two_product(np.full_like(direction, share)[:, None], direction[:, None])))
        params.high[kinks], params.low[kinks] = 0, 0
        previous, entering = length if share == 1 else math.inf, -1
    return _result(sums.bias, params, sums.at(params), STEPS, optimal=False)


def _active(sums: Sums, params: Extended) -> tuple[Array, NDArray[np.bool_]]:
    """Return the signs of the parameters, and which of them are not held at 0, `[P]` each."""
    signs = np.sign(params.high[:, 0])
    return signs, (signs != 0) | ~sums.penalised


def _newton_step(root: Array, downhill: Array, doubt: Array) -> Array:
    """Solve rootᵀ root d = downhill; where root is singular and downhill is not 0, d is a very long step downhill.

    Args:
        root: `[m, n]`, columns of about unit length.
        downhill: `[n]`, minus the gradient.
        doubt: `[n]`, errors of it.
    """
    rows = np.vstack([root, np.zeros((max(0, root.shape[1] - len(root)), root.shape[1]))])
    _, values, basis = np.linalg.svd(rows, full_matrices=False)
    along = basis @ downhill
    floor = max(max(rows.shape) * 2 * UNIT_ROUNDOFF * float(values.max(initial=0.0)), FLAT)
    # A slope along a flat direction counts only if it is none of what the others' slopes leave by rounding.
    noise = np.linalg.norm(doubt) + 16 * UNIT_ROUNDOFF * np.linalg.norm(downhill)
    along = np.where((values <= floor) & (np.abs(along) <= noise), 0.0, along)
    return np.asarray(basis.T @ (along / np.maximum(values, floor) ** 2))


def _inward(sums: Sums, at: At, params: Extended) -> Extended:
    """Adjust parameters so that rounded dual variables are feasible: use a penalty smaller by rounding errors."""
    errors = 2 * UNIT_ROUNDOFF * (np.abs(at.theta.high[:, 0]) @ np.abs(sums.design))
    signs, free = _active(sums, params)
    root, unit = sums.root(at, free)
    less = (np.minimum(errors, 0.5 * sums.l1.high) * signs)[free]
    step = np.zeros((len(signs), 1))
    step[free, 0] = _newton_step(root, less / unit, 0 * less) / unit
    return params.plus(extended(step))


def _result(bias: bool, params: Extended, at: At, steps: int, *, optimal: bool) -> Refined:
    found = torch.from_numpy(params.high[:, 0].copy())
    weight, offset = (found[:-1], found[-1:]) if bias else (found, found.new_zeros(1))
    return Refined(weight[None], offset, torch.from_numpy(at.theta.high.T.copy()), steps, optimal)
