"""Proof of near-optimality of softmax regression with l2, from its gradient alone.

Let b* be the best bias for W, u = b* − b of sum 0, g and G the derivatives of the mean loss by bias and weight, M the
mean of diag(p) − ppᵀ, μ its least eigenvalue beside that of the common shift, and a² = gᵀM⁻¹g. Then

    F(W, b) − inf F ≤ −g·u + ‖l2 W + G(b*)‖² / (2 l2),

the second part by strong convexity of F minimised over the bias. |D³f[v, v, u]| ≤ r D²f[v, v] for the range r of u
(Bach, "Self-concordant analysis for logistic regression", 2010), so with φ(r) = (1 − e⁻ʳ)/r

    (uᵀMu)^½ ≤ a / φ,   r ≤ −log(1 − a √(2/μ)),   −g·u ≤ a² / φ,   ‖G(b*) − G‖ ≤ (‖S‖/2)^½ e^{r/2} a / φ,   S = Σ xxᵀ/N.

All rounding errors are added, by the standard model (see `linnet.solvers.rounding`): those of logits as shares of
‖w_c‖‖x_i‖ + |b_c|, those of a sum of n numbers as n roundoffs of their sizes, however they are ordered.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from linnet.solvers.blockwise.rows import SoftmaxRows, laplacian
from linnet.solvers.rounding import UNIT_ROUNDOFF as U

FEW = 128
"""Losses that are added at a time."""
SURPLUS = 1 + 1e-6
"""Factor that covers the rounding of bounds themselves, sums of positive numbers."""


class Certificate(NamedTuple):
    """F at a point, and a bound of F − inf F; rounding: the part of the bound that more steps cannot lessen."""

    objective: float
    bound: float
    rounding: float


def certify(rows: SoftmaxRows, l2: float, weight: Tensor, bias: Tensor) -> Certificate:
    """Certify weight `[C, D]` and bias `[C]`, float64, in one pass over the examples.

    Args:
        rows: the examples.
        l2: strength of the penalty, above 0.
    """
    n, n_classes, n_features = rows.n_examples, rows.n_classes, rows.n_features
    n_blocks = -(-n // rows.block)
    bias = bias - bias.mean()  # a common shift of all logits changes nothing
    slope, shift = rows.zeros()
    hessian = torch.zeros(n_classes, n_classes, dtype=torch.float64, device=rows.device)
    loss, doubt, slope_error, shift_error, worst = (slope.new_zeros(()) for _ in range(5))
    steep, offset = weight.square().sum(1).max().sqrt(), bias.abs().max()
    for some in rows.blocks():
        x, p, values, span = rows.softmax(some, weight, bias)
        logits = 1.001 * (n_features + 3) * U * (steep * rows.norms[some] + offset)
        doubt_each = 2 * logits + U * (n_classes + 32) * (1 + span)
        relative = 2.002 * (logits + U * (span + n_classes + 8))  # error of a probability, as a share of it
        example = 1.0 if rows.weight is None else rows.weight[some, 0]
        loss += _sum(values * example)
        doubt += (doubt_each * example).sum()
        worst = torch.maximum(worst, relative.amax())
        hessian += (p if rows.weight is None else p * rows.weight[some]).T @ p
        theta = rows.of_sum_zero_(some, p)
        missed = 2 * -theta.gather(1, rows.y[some])[:, 0]  # Σ |θ|, weight included
        relative = missed * (relative + U * (n_classes + rows.block + n_blocks + 16))
        slope_error += (relative * rows.norms[some]).sum()
        shift_error += relative.sum()
        slope += theta.T @ x
        shift += theta.sum(0)
    slope_error, shift_error = (float(part) / n * SURPLUS for part in (slope_error, shift_error))
    size = float(weight.square().sum(1).sum())
    penalty, value = 0.5 * l2 * size, float(loss) / n
    slope = slope / n + l2 * weight
    slope_error += 4 * U * float(slope.norm()) + 2 * U * l2 * math.sqrt(size)
    moved = of_bias = hidden = hidden_move = 0.0
    if rows.bias:
        error = 4 * float(worst) + U * (rows.block + n_blocks + 16)
        known, least = _in_units_of_curvature(hessian / n, shift / n, error)
        moment = rows.second_moment * SURPLUS
        uncertain = shift_error / math.sqrt(least) if least > 0 else math.inf
        hidden_move, hidden = _effect_of_bias(uncertain, least, moment)
        moved, of_bias = _effect_of_bias(known + uncertain, least, moment)
    gradient = float(slope.norm()) * SURPLUS
    rounding = float(doubt) / n * SURPLUS + U * (2 * FEW + n_blocks + 16) * abs(value)
    rounding += U * (n_classes + n_features + 8) * penalty
    bound = (gradient + slope_error + moved) ** 2 / (2 * l2) + of_bias + rounding
    bound = min(bound, value + penalty + rounding)  # F is nowhere below 0
    return Certificate(value + penalty, bound, rounding + (slope_error + hidden_move) ** 2 / (2 * l2) + hidden)


def _sum(values: Tensor) -> Tensor:
    """Sum numbers `[n]`, a few at a time, so that rounding is that of few."""
    groups = torch.nn.functional.pad(values, (0, -len(values) % FEW)).view(-1, FEW).sum(1)
    return torch.nn.functional.pad(groups, (0, -len(groups) % FEW)).view(-1, FEW).sum(1).sum()


def _in_units_of_curvature(outer: Tensor, shift: Tensor, error: float) -> tuple[float, float]:
    """Return upper bounds of (gᵀM⁻¹g)^½ and a lower one of M's least eigenvalue beside that of the common shift.

    Args:
        outer: the mean of ppᵀ, `[C, C]`, of which M is the Laplacian.
        shift: g, of sum 0.
        error: bound of the norm of the error of `outer`.
    """
    n_classes, mean = len(outer), laplacian(outer)
    size = float(mean.diagonal().sum())
    lifted = mean + size / n_classes  # the common shift has the eigenvalue `size` here
    # Products of the factors differ from what was factorised by C + 1 roundoffs of the trace at the most.
    lifted.diagonal().sub_(2 * error + 4 * U * (n_classes + 16) * size)
    factor, failed = torch.linalg.cholesky_ex(lifted)
    if failed:
        return math.inf, 0.0
    inverse = torch.linalg.solve_triangular(factor, torch.eye(n_classes).to(mean), upper=False)
    return float((inverse @ (shift - shift.mean())).norm()) * SURPLUS, 1 / float(inverse.square().sum() * SURPLUS)


def _effect_of_bias(size: float, least: float, second_moment: float) -> tuple[float, float]:
    """Return bounds of ‖G(b*) − G‖ and of F(W, b) − F(W, b*), for a; inf where b is too far from b* for a proof."""
    share = math.sqrt(2 / least) * size if least > 0 else 1.0
    if share >= 0.5:
        return math.inf, math.inf
    reach = -math.log1p(-share)
    flat = share / reach if share > 0 else 1.0  # φ(r), with 1 − e⁻ʳ = share
    return math.sqrt(second_moment / 2) * math.exp(reach / 2) * size / flat, size**2 / flat
