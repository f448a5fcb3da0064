"""Proof of near-optimality for penalised problems: a feasible point of Fenchel's dual.

For any θ_i in the domain of ℓ*, with Σ_i θ_i = 0 where there is a bias, and V = −1/N Σ_i θ_i x_iᵀ,

    inf F ≥ −1/N Σ_i ℓ*(θ_i) − P*(V)

by Fenchel–Young. For the elastic net P*(V) = Σ max(|V| − l1, 0)²/(2 l2); without l2, 0 if
|V| ≤ l1 throughout and infinite otherwise, so θ is shrunk until that holds. With θ = ℓ'(z) and a bias that is
optimal for W, the bound for l2 is ‖∂F/∂W‖²/(2 l2): strong convexity, of F minimised over the bias.

The point that proves the bound is a real one near the computed θ: its sum is 0 exactly, and it lies in the domain.
How far it can be away, and every rounding error, is added to the bound.

Source: Rockafellar, Convex Analysis (1970), §31; Bertsekas, Nonlinear Programming (1999), §6.4.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from linnet.solvers.convex_loss import ConvexLoss
from linnet.solvers.convex_losses import Robust, Softmax
from linnet.solvers.extended_precision import Sliced, extended
from linnet.solvers.problem import Problem
from linnet.solvers.rounding import (
    EXTENDED,
    UNIT_ROUNDOFF,
    Predicted,
    mean_conjugate,
    mean_loss,
    predictions,
    steepness,
)

NEGLIGIBLE = 1e-6
"""Share of the penalty that the error of V may be without mattering."""


FEW = 16
"""Numbers that are added without care."""

NEGLIGIBLE_ROUNDING = 1e-3
"""Share of the tolerance that the error of a prediction may be without mattering."""


class Certified(NamedTuple):
    """F at a point, and a bound of F − inf F. theta: the dual point, `[C, N]`; v: its V, `[C, D]`."""

    objective: float
    bound: float
    theta: Tensor
    v: Tensor


def duality_gap(
    problem: Problem,
    weight: Tensor,
    bias: Tensor,
    theta: Tensor | None = None,
    tolerance: float = 0.0,
    known: Predicted | None = None,
) -> Certified:
    """Certify weight `[C, D]` and bias `[C]`, float64.

    Args:
        problem: with a penalty.
        theta: dual point `[C, N]` in the domain; None: the derivative of the loss at the prediction.
        tolerance: bound beside which smaller rounding errors do not matter; 0: they are made as small as they can be.
        known: predictions of the weight, where there are any.
    """
    convex_loss, l1, l2 = problem.convex_loss, problem.l1, problem.l2
    if l1 == 0 and l2 == 0:
        raise ValueError("a problem without penalty has no dual point of this kind: l1 and l2 are both 0")
    y, n_examples = problem.targets, problem.n_examples
    # A logit's error moves the loss of softmax by twice as much, at the most.
    enough = NEGLIGIBLE_ROUNDING * tolerance if isinstance(convex_loss, Softmax) else 0.0
    z, z_error = predictions(problem, weight, bias, enough, known)
    values, derivative = convex_loss.value_and_theta(z, y)
    loss, rounding = mean_loss(convex_loss, z, z_error, y, enough, values)
    theta = derivative if theta is None else theta
    theta = convex_loss.centre(theta, y) if problem.bias else theta
    if isinstance(convex_loss, Robust):
        limits = convex_loss.limits * (1 - 4 * UNIT_ROUNDOFF)
        theta = theta.clamp(-limits, limits)
    shift = _into_domain(convex_loss, theta, y)
    sums = _sums(theta) + shift.sum(1)
    moved = float(sums.sum()) if problem.bias else 0.0  # some entries, of which there always are ones with room

    # |computed V − V| ≤ n u mean |θ||x| for sums of n products, however ordered (Higham, Accuracy and Stability, §3.1).
    v = -problem.transpose(theta)
    size = (problem.longest_column + 12) * UNIT_ROUNDOFF * theta.abs() + shift
    v_error = _error_of_v(problem, v, size, moved, tolerance)
    # A dual point is shrunk by what V may exceed the penalty: its rounding must be small beside that.
    if 0 < NEGLIGIBLE * l1 < float(v_error.max()) and problem.x.numel() * len(theta) <= EXTENDED:
        v, rounded = _transpose_in_extended_precision(problem, theta)
        v_error = rounded + _products(problem, shift, moved)
    error = 8 * UNIT_ROUNDOFF * theta.abs() + shift
    dual_rounding = moved * steepness(convex_loss, theta, y, moved) / n_examples
    if l2 == 0:
        excess = ((v.abs() + v_error) * (1 + 1e-15) / l1).amax(1, keepdim=True).clamp(min=1)
        shrink = 1 / (excess if convex_loss.separable else excess.max())
        theta, v, error = theta * shrink, v * shrink, error * shrink + 4 * UNIT_ROUNDOFF * theta.abs()
        of_penalty = 0.0
    else:
        beyond = (v.abs() + v_error - l1).clamp(min=0)
        of_penalty = float(beyond.square().sum()) / (2 * l2) * (1 + (v.numel() + 8) * UNIT_ROUNDOFF)
    penalty = problem.penalty(weight)
    conjugate, evaluation = mean_conjugate(convex_loss, theta, error, y, enough)
    rounding += dual_rounding + evaluation + (weight.numel() + 8) * UNIT_ROUNDOFF * penalty
    rounding += 4 * UNIT_ROUNDOFF * (abs(loss) + abs(conjugate) + penalty + of_penalty)
    return Certified(loss + penalty, max(loss + penalty + conjugate + of_penalty, 0.0) + rounding, theta, v)


def _sums(theta: Tensor) -> Tensor:
    """Bound |Σ_i θ_i| of θ `[C, N]`: `[C]`. Sums of a few numbers are rounded a little, those of all of them once."""
    blocks = torch.nn.functional.pad(theta, (0, -theta.shape[1] % FEW)).view(len(theta), -1, FEW)
    total = torch.tensor([abs(math.fsum(row)) for row in blocks.sum(2).tolist()], dtype=torch.float64)
    return (total + FEW * UNIT_ROUNDOFF * theta.abs().sum(1)) * (1 + 1e-9)


def _transpose_in_extended_precision(problem: Problem, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Compute V = −1/N Σ_i θ_i x_iᵀ `[C, D]` for θ `[C, N]`, rounded once or twice, and a bound of its error."""
    x = problem.dense_features().numpy()
    product = Sliced(x).transpose_times(extended(theta.T.numpy().copy()))
    v = -torch.from_numpy(product.high.T.copy()) / problem.n_examples
    largest = theta.abs().amax(1, keepdim=True) * torch.from_numpy(abs(x).max(0))
    terms = 1 + 2 / problem.n_examples
    return v, 2 * UNIT_ROUNDOFF * v.abs() + terms * Sliced.relative_error(x.shape) * largest


def _into_domain(convex_loss: ConvexLoss, theta: Tensor, y: Tensor) -> Tensor:
    """Bound the distance from θ `[C, N]` to a point whose class probabilities are at least 0 and sum to 1."""
    if not isinstance(convex_loss, Softmax):
        return torch.zeros_like(theta)
    q = convex_loss.times_weight(convex_loss.labels(y, len(theta), theta.dtype))
    shift = 4 * UNIT_ROUNDOFF * (q + theta.abs())
    total = theta.sum(0).abs() + len(theta) * shift.sum(0)
    return shift.scatter_add(0, y[None], total[None])


def _error_of_v(problem: Problem, v: Tensor, size: Tensor, moved: float, tolerance: float) -> Tensor:
    """Bound 1/N Σ_i s_i|x_i|ᵀ of sizes `[C, N]` and a change `moved`, by the largest feature where that is enough."""
    if tolerance > 0 and problem.l2 > 0:
        coarse = (size.sum(1, keepdim=True) + moved) * (problem.largest_of_all / problem.n_examples) * (1 + 1e-9)
        coarse = coarse.expand_as(v)
        more = float((coarse * (2 * v.abs() + coarse)).sum()) / (2 * problem.l2)
        if more <= NEGLIGIBLE_ROUNDING * tolerance:
            return coarse
    return _products(problem, size, moved)


def _products(problem: Problem, size: Tensor, moved: float) -> Tensor:
    """Compute 1/N Σ_i s_i|x_i|ᵀ for sizes `[C, N]`, plus the largest contribution of a change `moved` of θ in total."""
    total = problem.transpose_sizes(size)
    if moved:
        total = total + moved * problem.largest / problem.n_examples
    return total * (1 + 1e-9)
