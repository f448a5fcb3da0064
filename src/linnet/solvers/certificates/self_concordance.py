"""Proof of near-optimality without a penalty, for softmax and Poisson regression: self-concordance.

Along any direction v the loss of an example has a third derivative of at most r(v) times the second, where r is the
range of the change of its logits (softmax: the third central moment of a variable is at most its range times its
variance) or the size of the change of its prediction (Poisson). With ρ = sup r(v) over examples and vᵀHv = 1, the
objective's second derivative along the way decays no faster than exp(−ρt), and integrating twice

    F(w + tv) ≥ F(w) − νt + (exp(−ρt) + ρt − 1)/ρ²,   ν² = ∇Fᵀ H⁻¹ ∇F.

If νρ < 1 this grows without limit, so a minimum exists, and F(w) − F* ≤ [νρ + (1 − νρ) log(1 − νρ)]/ρ² ≈ ν²/2.

Source: Bach, "Self-concordant analysis for logistic regression", Electronic Journal of Statistics 4 (2010); here with
the range of each example's logits in place of a norm.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from linnet.solvers.convex_losses import Poisson, Softmax
from linnet.solvers.problem import Problem
from linnet.solvers.rounding import UNIT_ROUNDOFF, mean_loss, predictions
from linnet.solvers.row_space import RowSpace

UNKNOWNS = 3000
"""Largest dense Hessian, 72 MB."""


def applies(problem: Problem) -> bool:
    """Return whether the dense Hessian that the proof needs is small enough."""
    blocks = problem.n_outputs - 1 if isinstance(problem.convex_loss, Softmax) else 1
    return blocks * (problem.n_features + problem.bias) <= UNKNOWNS


def self_concordant_bound(
    problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor
) -> tuple[float, float] | None:
    """Return F at weight `[C, D]` and bias `[C]`, and a bound of F − inf F; None if the proof fails (νρ ≥ 1).

    Args:
        problem: without penalty.
        space: its row space.
    """
    convex_loss, r = problem.convex_loss, space.examples
    y = problem.targets
    z, z_error = predictions(problem, weight, bias)
    objective, rounding = mean_loss(convex_loss, z, z_error, y)
    if r.shape[1] == 0 or (len(z) == 1 and isinstance(convex_loss, Softmax)):  # the loss is a constant
        return objective, rounding
    theta, curvature = convex_loss.value_and_theta(z, y)[1], convex_loss.curvature(z, y, 0.0)
    # Factors between e^-spread and e^spread stand between the computed probabilities or rates and the exact ones.
    spread = z_error if isinstance(convex_loss, Poisson) else 2 * z_error.amax(0, keepdim=True)
    spread = spread + UNIT_ROUNDOFF * (len(z) + 32 + (z.amax(0) - z).where(curvature > 0, 0))
    doubt = curvature * torch.expm1(spread) + 4 * UNIT_ROUNDOFF * theta.abs()
    gradient = theta @ r / len(r)  # [C, r]
    error = (doubt + (len(r) + 4) * UNIT_ROUNDOFF * theta.abs()) @ r.abs() / len(r)
    error += convex_loss.per_weight(theta, 0.5).norm(dim=1)[:, None] / math.sqrt(len(r)) * space.doubt
    setting = _Setting(
        r, space, float(error.norm()), 2 * float(spread.max()), float(convex_loss.per_weight(curvature).max())
    )
    if isinstance(convex_loss, Softmax):
        parts = [_softmax_part(convex_loss, curvature, gradient, setting)]
    else:
        parts = [_poisson_part(h, g, setting) for h, g in zip(curvature, gradient, strict=True)]
    total = 0.0
    for part in parts:
        if part is None or not part[0] * part[1] < 1:
            return None
        total += _omega(*part)
    return objective, total + rounding


class _Setting(NamedTuple):
    """Examples `r [N, width]`, errors of the gradient and (log of a factor) of curvatures, the largest one."""

    r: Tensor
    space: RowSpace
    error: float
    spread: float
    bend: float


def _omega(decrement: float, rho: float) -> float:
    s = decrement * rho
    if s < 1e-3:
        return decrement**2 * 0.5 * (1 + s)  # s²/2 + s³/6 + s⁴/12 + …, less than this
    return (s + (1 - s) * math.log1p(-s)) / rho**2 * (1 + 1e-9)


def _inverse(hessian: Tensor, setting: _Setting) -> tuple[Tensor, float] | None:
    """Return an upper bound of the inverse and a lower bound of the least eigenvalue; None if that is not positive."""
    eigenvalues, vectors = torch.linalg.eigh(hessian)
    trace, n = float(hessian.diagonal().sum()), len(hessian)
    moved = math.sqrt(setting.bend) * float(setting.space.doubt.norm())  # by which √(vᵀHv) can be wrong for |v| = 1
    error = 4 * (len(setting.r) + n) * UNIT_ROUNDOFF * trace + moved * (2 * math.sqrt(trace) + moved)
    factor = math.exp(-setting.spread)
    least = (float(eigenvalues[0]) - error) * factor
    if least <= error:
        return None
    # With every eigenvalue lowered by its possible error the inverse is an upper bound of the true one.
    return (vectors / ((eigenvalues - error) * factor)) @ vectors.T, least


def _decrement(gradient: Tensor, inverse: Tensor, least: float, error: float) -> float:
    flat = gradient.reshape(-1)
    rounding = 8 * len(flat) * UNIT_ROUNDOFF * float(flat.square().sum()) * math.sqrt(len(flat)) / least
    return math.sqrt(max(float(flat @ inverse @ flat), 0.0) + rounding) + error / math.sqrt(least)


def _range(squared: float, least: float, setting: _Setting) -> float:
    """Compute ρ from the largest quadratic form, with rounding errors of the form and of the examples."""
    width, longest = setting.r.shape[1], float(setting.r.norm(dim=1).max())
    rounding = 64 * width**1.5 * UNIT_ROUNDOFF * longest**2 / least
    return math.sqrt(max(squared, 0.0) + rounding) + setting.space.largest_doubt * math.sqrt(4 / least)


def _softmax_part(convex_loss: Softmax, p: Tensor, gradient: Tensor, setting: _Setting) -> tuple[float, float] | None:
    """Compute ν and ρ. The last class is fixed, since a common change of all logits changes nothing."""
    r, n_free, width = setting.r, len(p) - 1, setting.r.shape[1]
    hessian = torch.zeros(n_free, width, n_free, width, dtype=torch.float64)
    for row in range(n_free):
        for offset, weights in enumerate(convex_loss.row(p, row, slice(row, n_free))):
            block = (r * weights[:, None]).T @ r / len(r)
            hessian[row, :, row + offset], hessian[row + offset, :, row] = block, block
    found = _inverse(hessian.view(n_free * width, -1), setting)
    if found is None:
        return None
    inverse, least = found
    blocks = torch.zeros(n_free + 1, width, n_free + 1, width, dtype=torch.float64)
    blocks[:-1, :, :-1] = inverse.view(n_free, width, n_free, width)
    squared = 0.0
    for a in range(n_free + 1):
        for b in range(a):
            form = blocks[a, :, a] + blocks[b, :, b] - blocks[a, :, b] - blocks[b, :, a]
            squared = max(squared, float(((r @ form) * r).sum(1).max()))
    return _decrement(gradient[:-1], inverse, least, setting.error), _range(squared, least, setting)


def _poisson_part(rate: Tensor, gradient: Tensor, setting: _Setting) -> tuple[float, float] | None:
    """Compute ν and ρ of one output."""
    r = setting.r
    found = _inverse((r * rate[:, None]).T @ r / len(r), setting)
    if found is None:
        return None
    inverse, least = found
    squared = float(((r @ inverse) * r).sum(1).max())
    return _decrement(gradient, inverse, least, setting.error), _range(squared, least, setting)
