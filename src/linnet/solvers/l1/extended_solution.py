"""Solve l1 problems in extended precision where float64 is not precise enough, by an active-set Newton method.

For piecewise quadratic losses: squared error and Huber's loss, plus l1 ‖W‖₁ + l2/2 ‖W‖², of one output. With given
signs of the weights and given examples within the parabola the objective is quadratic: a Newton step goes to its
minimum, or to the lowest point on the way, where signs or examples change (feature-sign search: Lee, Battle, Raina, Ng,
2006; for Huber's loss Madsen and Nielsen, "Finite algorithms for robust linear regression", 1990). Steps come from the
singular values of the rows, never from their Gram matrix, and gradients from residuals in twice the working precision,
so that a penalty counts that is below the rounding errors of XᵀX and Xᵀy.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.solvers.certificates.duality_gap import Certified, duality_gap
from linnet.solvers.convex_losses import Robust
from linnet.solvers.extended_precision import Array, Extended, extended, two_product
from linnet.solvers.l1.extended_sums import At, Sums, lowest_point
from linnet.solvers.problem import Problem
from linnet.solvers.robust.lad_vertex import ScaledHuber, lad_vertex, widths
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


METHOD = ", active set in extended precision"
UNRESOLVED = "; rounding hides what the penalty decides, so that other weights may be as good"
NEAR = 1e-6
"""Share of the penalty that rounding may hide."""
NEARLY_SINGULAR = 1e-4
"""Pivot of a scaled Gram matrix below which its solution has lost more than half of its digits."""


class Better(NamedTuple):
    """A solution, and additions to the names of its method and certificate."""

    weight: Tensor
    bias: Tensor
    certified: Certified
    method: str = ""
    certificate: str = ""


def in_extended_precision(
    problem: Problem, weight: Tensor, bias: Tensor, certified: Certified, tolerance: float
) -> Better:
    """Improve a solution for squared error or Huber's loss, if needed and if the problem is small enough."""
    parts = [replace(problem, y=problem.targets[:, c : c + 1], n_outputs=1) for c in range(problem.n_outputs)]
    resolved = all(is_resolved(part, weight[c : c + 1], bias[c : c + 1]) for c, part in enumerate(parts))
    if certified.bound <= tolerance and resolved:
        return Better(weight, bias, certified)
    if is_small(problem):
        found = [refine(part, weight[c : c + 1], bias[c : c + 1]) for c, part in enumerate(parts)]
        there = torch.cat([part.weight for part in found]), torch.cat([part.bias for part in found])
        last = _best_certified(problem, *there, (torch.cat([part.theta for part in found]), certified.theta))
        if all(part.optimal for part in found) and last.bound <= 2 * certified.bound:
            return Better(*there, last, METHOD)
        if last.bound < certified.bound:
            weight, bias, certified = *there, last
    return Better(weight, bias, certified, "", "" if resolved else UNRESOLVED)


def is_resolved(problem: Problem, weight: Tensor, bias: Tensor) -> bool:
    """Return whether float64 and a Gram matrix resolve the active set near weight `[1, D]` and bias `[1]`."""
    convex_loss, y, z = problem.convex_loss, problem.targets, problem.predict(weight, bias)
    curvature = convex_loss.curvature(z, y, 0.0)
    size = convex_loss.value_and_theta(z, y)[1].abs() + curvature * (z.abs() + y.T.abs())
    used = weight[0] != 0
    n_used, n_bias = int(used.sum()), int(problem.bias)
    gradient, gram = torch.zeros_like(weight), torch.zeros(n_used + n_bias, n_used + n_bias, dtype=torch.float64)
    for rows, x, _ in problem.chunks(torch.float64):
        gradient += size[:, rows] @ x.abs() / problem.n_examples
        columns = torch.cat([x[:, used], x.new_ones(len(x), n_bias)], 1)
        gram += (columns.T * curvature[0, rows]) @ columns / problem.n_examples
    if not 64 * UNIT_ROUNDOFF * float(gradient.max()) <= NEAR * problem.l1:
        return False
    gram.diagonal()[:n_used] += problem.l2
    scale = gram.diagonal().sqrt()
    factor, failed = torch.linalg.cholesky_ex(gram / scale / scale[:, None])
    return int(failed) == 0 and bool((factor.diagonal() > NEARLY_SINGULAR).all())


def untied(problem: Problem, weight: Tensor, bias: Tensor, certified: Certified, tolerance: float) -> Better:
    """Choose the features in a fit by absolute error where float64 cannot distinguish some of them.

    Huber's loss, of any width below the residuals that are not 0, has the same dual variables. The widest that will do
    loses the least to rounding.
    """
    assert isinstance(problem.convex_loss, Robust)
    tied = bool(((weight == 0) & (certified.v.abs() >= problem.l1 * (1 - NEAR))).any())
    if problem.l1 == 0 or (certified.bound <= tolerance and not tied):
        return Better(weight, bias, certified)
    limits, here = problem.convex_loss.limits, (weight, bias)
    for width in widths(problem) if is_small(problem) else []:
        found = refine(replace(problem, convex_loss=ScaledHuber(width, problem.weight)), *here)
        here = found.weight, found.bias
        outer = found.theta.abs() >= limits * (1 - 4 * UNIT_ROUNDOFF)
        theta = torch.where(outer, found.theta.sign() * limits, found.theta)
        plane = lad_vertex(problem, found.weight, theta) if found.optimal else None
        if plane is not None:
            # By its own dual point, which no other plane of the same value has. Else a residual is within the width.
            last = _best_certified(problem, *plane[:2], (plane[2], theta))
            if last.bound <= max(tolerance, 2 * certified.bound):
                return Better(*plane[:2], last, METHOD)
    return Better(weight, bias, certified, "", UNRESOLVED if tied else "")


def _best_certified(problem: Problem, weight: Tensor, bias: Tensor, thetas: tuple[Tensor, ...]) -> Certified:
    """Return the smallest bound of several dual points: each of them bounds the optimum."""
    return min((duality_gap(problem, weight, bias, theta) for theta in thetas), key=lambda found: found.bound)
