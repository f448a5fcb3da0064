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

import torch
from torch import Tensor

from linnet.optimum.duality_gap import UNIT_ROUNDOFF, allowance
from linnet.optimum.family import Poisson, Softmax
from linnet.optimum.problem import Problem
from linnet.optimum.row_space import RowSpace

UNKNOWNS = 3000
"""Largest dense Hessian, 72 MB."""


def applies(problem: Problem) -> bool:
    """Whether the dense Hessian that the proof needs is small enough."""
    blocks = problem.n_outputs - 1 if isinstance(problem.family, Softmax) else 1
    return blocks * (problem.n_features + problem.bias) <= UNKNOWNS


def self_concordant_bound(
    problem: Problem, space: RowSpace, weight: Tensor, bias: Tensor
) -> tuple[float, float] | None:
    """F at weight `[C, D]` and bias `[C]`, and a bound of F − inf F; None if the proof fails here (νρ ≥ 1).

    Args:
        problem: without penalty.
        space: its row space.
    """
    family, r = problem.family, space.examples
    z = problem.predict(weight, bias)
    values, theta = family.value_and_theta(z, problem.targets)
    if r.shape[1] == 0 or (len(theta) == 1 and isinstance(family, Softmax)):  # the loss is a constant
        return float(values.mean()), allowance(problem, weight, bias, values, 1.0, 0.0)
    gradient, slope = theta @ r / len(r), float(family.per_weight(theta).abs().max())  # [C, r]
    error = (len(r) + 4) * UNIT_ROUNDOFF * slope * math.sqrt(gradient.numel())
    rounding = allowance(problem, weight, bias, values, slope, 0.0)
    # Predictions carry rounding errors, and so do the derivatives there.
    reach = float((weight.abs() @ problem.mean_magnitude + bias.abs()).max())
    curvature = family.curvature(z, problem.targets, 0.0)
    bend = float(family.per_weight(curvature).max())
    error += (problem.n_features + 4) * UNIT_ROUNDOFF * reach * bend * math.sqrt(gradient.numel())
    error += space.error * float(family.per_weight(theta, 0.5).norm()) / math.sqrt(len(r))
    if isinstance(family, Softmax):
        parts = [_softmax_part(family, curvature, gradient, r, error)]
    else:
        assert isinstance(family, Poisson)
        parts = [_poisson_part(h, g, r, error) for h, g in zip(curvature, gradient, strict=True)]
    total = 0.0
    for part in parts:
        if part is None or part[0] * part[1] >= 1:
            return None
        total += _omega(*part)
    return float(values.mean()), total + rounding


def _omega(decrement: float, rho: float) -> float:
    s = decrement * rho
    if s < 1e-3:
        return decrement**2 * 0.5 * (1 + s)  # s²/2 + s³/6 + s⁴/12 + …, less than this
    return (s + (1 - s) * math.log1p(-s)) / rho**2


def _inverse(hessian: Tensor, n_examples: int) -> tuple[Tensor, float] | None:
    """Inverse, and the smallest eigenvalue less its rounding error; None if that is not positive."""
    eigenvalues, vectors = torch.linalg.eigh(hessian)
    error = 4 * (n_examples + len(hessian)) * UNIT_ROUNDOFF * float(hessian.diagonal().sum())
    least = float(eigenvalues[0]) - error
    if least <= error:
        return None
    # With every eigenvalue lowered by its possible error the inverse is an upper bound of the true one.
    return (vectors / (eigenvalues - error)) @ vectors.T, least


def _softmax_part(family: Softmax, p: Tensor, gradient: Tensor, r: Tensor, error: float) -> tuple[float, float] | None:
    """ν and ρ. The last class is kept fixed, since a common change of all logits changes nothing."""
    n_free, width = len(p) - 1, r.shape[1]
    hessian = torch.zeros(n_free, width, n_free, width, dtype=torch.float64)
    for row in range(n_free):
        for offset, weights in enumerate(family.row(p, row, slice(row, n_free))):
            block = (r * weights[:, None]).T @ r / len(r)
            hessian[row, :, row + offset], hessian[row + offset, :, row] = block, block
    found = _inverse(hessian.view(n_free * width, -1), len(r))
    if found is None:
        return None
    inverse, least = found
    flat = gradient[:-1].reshape(-1)
    decrement = math.sqrt(max(float(flat @ inverse @ flat), 0.0)) + error / math.sqrt(least)
    blocks = torch.zeros(n_free + 1, width, n_free + 1, width, dtype=torch.float64)
    blocks[:-1, :, :-1] = inverse.view(n_free, width, n_free, width)
    squared = 0.0
    for a in range(n_free + 1):
        for b in range(a):
            form = blocks[a, :, a] + blocks[b, :, b] - blocks[a, :, b] - blocks[b, :, a]
            squared = max(squared, float(((r @ form) * r).sum(1).max()))
    return decrement, math.sqrt(squared)


def _poisson_part(rate: Tensor, gradient: Tensor, r: Tensor, error: float) -> tuple[float, float] | None:
    """ν and ρ of one output."""
    found = _inverse((r * rate[:, None]).T @ r / len(r), len(r))
    if found is None:
        return None
    inverse, least = found
    decrement = math.sqrt(max(float(gradient @ inverse @ gradient), 0.0)) + error / math.sqrt(least)
    return decrement, math.sqrt(float(((r @ inverse) * r).sum(1).max()))
