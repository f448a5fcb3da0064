"""Proof of optimality without a penalty, for softmax and Poisson regression, by an exactly feasible dual point.

Without a penalty a dual point must satisfy Σ θ_i x̃_iᵀ = 0 for features x̃ with a 1 for the bias: not nearly, since a
minimiser can be as far away as it likes. So the dual variables at a solution become whole numbers over a power of two,
and a few of them, as many as there are coefficients, are moved by the exact solution of the linear system that the
others leave. If all class probabilities (or rates) stay above 0, a minimum exists, by Stiemke's theorem (see
`alternatives`), and the mean of −ℓ*(θ) is a lower bound of it however ill-conditioned the features are.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import qr
from torch import Tensor

from linnet.solvers.convex_losses import Poisson, Softmax
from linnet.solvers.exact_arithmetic.integer_margins import Array, Margins, Whole, WholeBasis
from linnet.solvers.exact_arithmetic.separation import EXACT_UNKNOWNS, LARGEST_EXACT, margins_of
from linnet.solvers.problem import Problem
from linnet.solvers.rounding import UNIT_ROUNDOFF, mean_conjugate, mean_loss, predictions

BITS = 120
"""Dual variables begin as multiples of 2^-BITS, at least one of them."""


POWERS = (1.0, 0.5, 0.0)
"""Of the room to change by which the variables that are moved are chosen."""


class ExactBound(NamedTuple):
    """F at a point, a bound of F − inf F, and whether predictions determine all coefficients, exactly."""

    objective: float
    bound: float
    full: bool


class _Constraint(NamedTuple):
    """Σ_k size_k gradient(k) = right, in multiples of 1/unit; sizes of an example add up to its limit at most."""

    columns: Margins
    right: Whole
    limit: Whole | None
    unit: int


def exact_bound(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> ExactBound | None:
    """Certify weight `[C, D]` and bias `[C]` of a problem without penalty and prove that an optimum exists, or None.

    Args:
        tolerance: bound that is good enough.
    """
    convex_loss, y = problem.convex_loss, problem.targets
    n_free = problem.n_outputs - 1 if isinstance(convex_loss, Softmax) else 1
    n_unknowns = n_free * (problem.n_features + problem.bias)
    if n_unknowns > EXACT_UNKNOWNS or problem.n_examples * n_free * n_unknowns > LARGEST_EXACT:
        return None
    z, error = predictions(problem, weight, bias)
    objective, doubt = mean_loss(convex_loss, z, error, y)
    if n_free == 0:  # one class: the loss is 0 whatever the weights
        return ExactBound(objective, objective + doubt, n_unknowns == 0)
    constraint = _constraint(problem)
    columns = constraint.columns
    size = convex_loss.curvature(z, y, 0.0).numpy()  # w p, or w exp(z)
    if isinstance(convex_loss, Softmax):
        output = np.where(columns.minus < 0, columns.n_outputs, columns.minus)
        given = size[output, columns.row]
        room = np.minimum(given, size[y.numpy()[columns.row], columns.row])
    else:
        given = room = size[0]
    best: ExactBound | None = None
    # Where the point is past the minimum along a flat direction, sizes must grow that have no room to shrink.
    for power in POWERS:
        found = _feasible(constraint, given, room**power)
        if found is None:
            continue
        sizes, left, full = found
        if isinstance(convex_loss, Softmax):
            p = np.zeros_like(size)
            p[output, columns.row], p[y.numpy(), np.arange(len(y))] = sizes, left
            theta = torch.from_numpy(p) - convex_loss.times_weight(convex_loss.labels(y, len(p), torch.float64))
        else:
            p = sizes[None]
            theta = torch.from_numpy(p) - convex_loss.times_weight(y.T)
        evaluation = 4 * UNIT_ROUNDOFF * (theta.abs() + torch.from_numpy(p))
        conjugate, dual_doubt = mean_conjugate(convex_loss, theta, evaluation, y)
        bound = max(objective + conjugate, 0.0) + doubt + dual_doubt
        if best is None or bound < best.bound:
            best = ExactBound(objective, bound, full)
        if best.bound <= tolerance:
            break
    return best


def _constraint(problem: Problem) -> _Constraint:
    """Softmax: Σ w p_c (e_label − e_c) x̃ᵀ = Σ w (e_label − q) x̃ᵀ. Poisson: Σ w rate x̃ᵀ = Σ w y x̃ᵀ."""
    convex_loss, n_examples, columns = problem.convex_loss, problem.n_examples, margins_of(problem)
    weight = [Fraction(w) for w in ([1.0] * n_examples if problem.weight is None else problem.weight.tolist())]
    share = np.full((columns.n_outputs, n_examples), Fraction(0), dtype=object)
    if isinstance(convex_loss, Poisson):
        row = np.arange(n_examples)
        columns = Margins(columns.rows, 1, row, np.zeros_like(row), np.full_like(row, -1))
        share[0] = [w * Fraction(y) for w, y in zip(weight, problem.targets[:, 0].tolist(), strict=True)]
    elif isinstance(convex_loss, Softmax) and convex_loss.label_smoothing:
        smoothing = Fraction(convex_loss.label_smoothing)
        for i, (w, y) in enumerate(zip(weight, problem.y.tolist(), strict=True)):
            share[:, i] -= w * smoothing / problem.n_outputs
            if y < len(share):
                share[y, i] += w * smoothing
    unit = math.lcm(2**BITS, *(number.denominator for number in (*weight, *share.ravel())))
    whole = np.array([[int(number * unit) for number in row] for row in share], dtype=object)
    right = np.asarray(whole @ columns.rows.whole, dtype=object).ravel()
    limit = None if isinstance(convex_loss, Poisson) else np.array([int(w * unit) for w in weight], dtype=object)
    return _Constraint(columns, right, limit, unit)


def _feasible(constraint: _Constraint, given: Array, room: Array) -> tuple[Array, Array, bool] | None:
    """Find sizes above 0 near the given ones `[K]` that satisfy the constraint exactly, then round to doubles.

    Args:
        room: by how much a size may change, roughly.

    Returns:
        the sizes `[K]`, what they leave of the limits `[N]`, and whether the columns have full rank; None if no such
        sizes were found.
    """
    columns, right, limit, unit = constraint
    sizes = np.array([max(1, int(number)) for number in np.ldexp(given, BITS)], dtype=object) * (unit // 2**BITS)
    sizes = sizes if limit is None else _within(columns, sizes, limit)
    basis = WholeBasis(right - columns.total(sizes))
    for k in _most_movable(columns, room)[: 4 * len(right)].tolist():
        if not basis.extend(k, columns.gradient(k)):
            break
    divisor = abs(basis.denominator)
    sizes = sizes * divisor
    for k, change in zip(basis.columns, basis.solution, strict=True):
        if k >= 0:
            sizes[k] += change if basis.denominator > 0 else -change
        elif change != 0:
            return None
    left = np.array([], dtype=object) if limit is None else _left(columns, sizes, limit * divisor)
    if min(sizes) <= 0 or min(left, default=0) < 0:
        return None
    # Python divides whole numbers of any size with a single rounding.
    sizes, left = (np.array([n / (divisor * unit) for n in part]) for part in (sizes, left))
    return sizes, left, min(basis.columns) >= 0


def _left(columns: Margins, sizes: Whole, limit: Whole) -> Whole:
    """Subtract each example's sizes from its limit, `[N]`."""
    left = limit.copy()
    np.subtract.at(left, columns.row, sizes)
    return left


def _within(columns: Margins, sizes: Whole, limit: Whole) -> Whole:
    """Reduce sizes that rounding raised above the limit of their example."""
    left = _left(columns, sizes, limit)
    share = np.array([limit[i] * 2**40 // (limit[i] - left[i]) - 1 if left[i] < 0 else 2**40 for i in range(len(left))])
    return np.maximum(sizes * share[columns.row].astype(object) // 2**40, 1)


def _most_movable(columns: Margins, room: Array) -> NDArray[np.int64]:
    """Order the columns so that the first ones are independent and have room to change."""
    unit = columns.rows.unit
    dense = columns.dense(unit / np.maximum(np.linalg.norm(unit, axis=0), 1e-300)) * room[:, None]
    return np.asarray(qr(dense.T, mode="r", pivoting=True)[1])
