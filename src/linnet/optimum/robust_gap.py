"""Proof of near-optimality without a penalty, for Huber's loss and absolute error.

A dual point must satisfy Xᵀθ = 0 and |θ| ≤ slope. Derivatives at the solution nearly do; those of the examples within
the parabola (or, for absolute error, on the fitted plane) are moved a little until they do up to rounding. What
rounding leaves, e = Xᵀθ/N, costs at most ‖e‖ times the distance to a minimiser w*, for

    F(w) − F(w*) ≤ 1/N Σ_i [ℓ(z_i) + ℓ*(θ_i) − θ_i z_i] + ⟨e, w − w*⟩,

and the distance is bounded, since a minimiser's residuals satisfy slope (Σ|r| − N width/2) ≤ N F(w). A minimum is
always attained: F is convex, piecewise quadratic and bounded below (Frank and Wolfe, 1956).
"""

import math

import torch
from torch import Tensor

from linnet.optimum.duality_gap import UNIT_ROUNDOFF, allowance
from linnet.optimum.family import Robust
from linnet.optimum.problem import Problem
from linnet.optimum.row_space import RowSpace

INTERIOR = 1e-7
"""Share of the slope by which a dual variable must clear its limits to be movable."""


def robust_bound(
    problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor, theta: Tensor | None = None
) -> tuple[float, float]:
    """F at weight `[C, D]` and bias `[C]`, and a bound of F − inf F, for a problem without penalty.

    Args:
        problem: of Huber's loss or absolute error.
        space: its row space.
        theta: dual variables near the optimal ones, `[C, N]`; None: derivatives at the prediction.
    """
    family, r, y = problem.family, space.white, problem.targets
    assert isinstance(family, Robust)
    z = problem.predict(weight, bias)
    values, derivative = family.value_and_theta(z, y)
    # With weights, θ/√w and √w x in the stead of θ and x: the same sums, and rows that are white.
    rooted = family.per_weight(derivative if theta is None else theta, 0.5)
    limits = family.per_weight(family.limits, 0.5).expand(len(r))
    rooted = torch.stack([_feasible(one, r, limits) for one in rooted])
    theta = family.times_weight(rooted, 0.5)
    left = (rooted @ r).norm(dim=1) / len(r)
    left += (len(r) + 4) * UNIT_ROUNDOFF * family.slope * math.sqrt(r.shape[1])
    left += space.error * rooted.norm(dim=1) / math.sqrt(len(r))
    residual = family.times_weight(z - y.T, 0.5).norm(dim=1)
    of_output = torch.stack([family.value_and_theta(z[c : c + 1], y[:, c : c + 1])[0].mean() for c in range(len(z))])
    of_minimiser = len(r) * (of_output / family.slope + family.width / 2)
    if family.weight is not None:
        of_minimiser = of_minimiser / float(family.weight.min().sqrt())  # Σ √w|r| ≤ Σ w|r| / min √w
    distance = (residual + of_minimiser) / math.sqrt(len(r))  # in the row space, where the examples are white
    dual, product = family.conjugate(theta, y), (theta * z).sum(0)
    gap = max(float((values + dual - product).mean()), 0.0) + float((left * distance).sum())
    gap += (len(r) + 8) * UNIT_ROUNDOFF * float((dual.abs() + product.abs()).mean())
    return float(values.mean()), gap + allowance(problem, weight, bias, values, family.slope, 0.0)


def _feasible(theta: Tensor, r: Tensor, limits: Tensor) -> Tensor:
    """A dual point near theta `[N]` with rᵀθ = 0 up to rounding and |θ| ≤ limits `[N]`."""
    movable = theta.abs() < limits * (1 - INTERIOR)
    inner = r[movable]
    inverse = torch.linalg.pinv(inner.T @ inner, rtol=1e-13, hermitian=True)
    for _ in range(3):
        # The smallest correction of the movable ones: R (RᵀR)⁺ Rᵀθ, again for what rounding left.
        theta = theta.clone()
        theta[movable] -= inner @ (inverse @ (r.T @ theta))
    return theta * float((limits / theta.abs().clamp(min=limits)).min())


def is_unique(problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor) -> bool:
    """Whether Huber's loss of one output has one minimiser only, proven.

    Within the distance ρ at which no example of a set J, all inside the parabola, leaves it, F is strongly convex with
    the least eigenvalue μ of 1/N Σ_J x xᵀ. If ‖∇F‖ < μρ/2, then F on the sphere of radius ρ is larger than at its
    centre, and all minimisers lie inside.
    """
    family, r = problem.family, space.examples
    assert isinstance(family, Robust)
    if not space.full:
        return False
    z = problem.predict(weight, bias)
    theta = family.value_and_theta(z, problem.targets)[1][0]
    gradient = float((theta @ r).norm()) / len(r) + (len(r) + 4) * UNIT_ROUNDOFF * family.slope * r.shape[1]
    clearance = family.width - (z[0] - problem.targets[:, 0]).abs()
    for share in (0.5, 0.1, 1e-2, 1e-3):
        within = clearance > share * family.width
        inside = space.white[within]
        if len(inside) < r.shape[1]:
            continue
        least = float(torch.linalg.eigvalsh(inside.T @ inside / len(r))[0]) - 1e-12
        radius = share * family.width / float(r[within].norm(dim=1).max())
        if gradient < 0.5 * least * radius:
            return True
    return False
