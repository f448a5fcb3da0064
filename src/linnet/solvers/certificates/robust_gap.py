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

from linnet.solvers.convex_losses import Robust
from linnet.solvers.problem import Problem
from linnet.solvers.rounding import UNIT_ROUNDOFF, mean_conjugate, mean_loss, predictions
from linnet.solvers.row_space import RowSpace

INTERIOR = 1e-7
"""Share of the slope by which a dual variable must clear its limits to be movable."""


def robust_bound(
    problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor, theta: Tensor | None = None
) -> tuple[float, float]:
    """Return F at weight `[C, D]` and bias `[C]`, and a bound of F − inf F, for a problem without penalty.

    Args:
        problem: of Huber's loss or absolute error.
        space: its row space.
        theta: dual variables near the optimal ones, `[C, N]`; None: derivatives at the prediction.
    """
    convex_loss, r, y, n_examples = problem.convex_loss, space.white, problem.targets, problem.n_examples
    assert isinstance(convex_loss, Robust)
    z, z_error = predictions(problem, weight, bias)
    objective, rounding = mean_loss(convex_loss, z, z_error, y)
    if theta is None:
        theta = convex_loss.value_and_theta(z, y)[1]
    # With weights, θ/√w and √w x in the stead of θ and x: the same sums, and rows that are white.
    limits = convex_loss.limits.expand(n_examples) * (1 - 8 * UNIT_ROUNDOFF)
    rooted = torch.stack(
        [_feasible(one, r, convex_loss.per_weight(limits, 0.5)) for one in convex_loss.per_weight(theta, 0.5)]
    )
    theta = convex_loss.times_weight(rooted, 0.5).clamp(-limits, limits)
    rooted = convex_loss.per_weight(theta, 0.5)
    left = (rooted @ r).abs() + (n_examples + 12) * UNIT_ROUNDOFF * (rooted.abs() @ r.abs())
    left = (left / n_examples + rooted.norm(dim=1)[:, None] / math.sqrt(n_examples) * space.doubt).norm(dim=1)
    residual = convex_loss.times_weight((z - y.T).abs() * (1 + 1e-9) + z_error, 0.5).norm(dim=1)
    of_output = [mean_loss(convex_loss, z[c : c + 1], z_error[c : c + 1], y[:, c : c + 1]) for c in range(len(z))]
    of_minimiser = n_examples * torch.tensor(
        [sum(part) / convex_loss.slope + convex_loss.width / 2 for part in of_output]
    )
    if convex_loss.weight is not None:
        of_minimiser = of_minimiser / float(convex_loss.weight.min().sqrt())  # Σ √w|r| ≤ Σ w|r| / min √w
    # In the row space, where the examples are white but for rounding.
    distance = (residual + of_minimiser) / math.sqrt(n_examples) / space.smallest if space.smallest > 0 else torch.inf
    conjugate, dual_rounding = mean_conjugate(convex_loss, theta, torch.zeros_like(theta), y)
    gap = max(objective + conjugate, 0.0) + float((left * distance).sum()) * (1 + 1e-9)
    return objective, gap + rounding + dual_rounding


def _feasible(theta: Tensor, r: Tensor, limits: Tensor) -> Tensor:
    """Find a dual point near theta `[N]` with rᵀθ = 0 up to rounding and |θ| ≤ limits `[N]`."""
    movable = theta.abs() < limits * (1 - INTERIOR)
    inner = r[movable]
    inverse = torch.linalg.pinv(inner.T @ inner, rtol=1e-13, hermitian=True)
    for _ in range(3):
        # The smallest correction of the movable ones: R (RᵀR)⁺ Rᵀθ, again for what rounding left.
        theta = theta.clone()
        theta[movable] -= inner @ (inverse @ (r.T @ theta))
    return theta * float((limits / theta.abs().clamp(min=limits)).min())


def is_unique(problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor) -> bool:
    """Prove that Huber's loss of one output has a unique minimiser; False: not proven.

    Within the distance ρ at which no example of a set J, all inside the parabola, leaves it, F is strongly convex with
    the least eigenvalue μ of 1/N Σ_J x xᵀ. If ‖∇F‖ < μρ/2, then F on the sphere of radius ρ is larger than at its
    centre, and all minimisers lie inside.
    """
    convex_loss, r = problem.convex_loss, space.examples
    assert isinstance(convex_loss, Robust)
    if not space.full:
        return False
    z, z_error = predictions(problem, weight, bias)
    theta = convex_loss.value_and_theta(z, problem.targets)[1][0]
    # A derivative is as far off as its prediction, and rounded twice; a sum of N products adds up with N roundings.
    doubt = convex_loss.times_weight(2 * z_error[0]) + (len(r) + 12) * UNIT_ROUNDOFF * theta.abs()
    gradient = float(((theta @ r).abs() + doubt @ r.abs()).norm()) / len(r)
    gradient += float(convex_loss.per_weight(theta, 0.5).norm() / math.sqrt(len(r)) * space.doubt.norm())
    clearance = convex_loss.width - (z[0] - problem.targets[:, 0]).abs() * (1 + 1e-9) - z_error[0]
    for share in (0.5, 0.1, 1e-2, 1e-3):
        within = clearance > share * convex_loss.width
        inside = space.white[within]
        if len(inside) < r.shape[1]:
            continue
        slack = 4 * (len(r) + r.shape[1]) * UNIT_ROUNDOFF * r.shape[1]
        least = float(torch.linalg.eigvalsh(inside.T @ inside / len(r))[0]) - slack
        least -= float(space.doubt.norm()) * (2 * math.sqrt(r.shape[1]) + 1)
        radius = share * convex_loss.width / (float(r[within].norm(dim=1).max()) * (1 + 1e-9) + space.largest_doubt)
        if gradient < 0.5 * least * radius:
            return True
    return False
