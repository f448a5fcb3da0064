"""Proof of near-optimality for penalised problems: a feasible point of Fenchel's dual.

For any θ_i in the domain of ℓ*, with Σ_i θ_i = 0 where there is a bias, and V = −1/N Σ_i θ_i x_iᵀ,

    F(W, b) − inf F ≤ 1/N Σ_i [ℓ(z_i) + ℓ*(θ_i) − θ_i·z_i] + [P(W) + P*(V) − ⟨V, W⟩]

since by Fenchel–Young F(W', b') ≥ −1/N Σ ℓ*(θ_i) − P*(V) for all W', b'. Both brackets are at least 0. For the
elastic net P*(V) = Σ max(|V| − absolute, 0)²/(2 squared); without its squared part, 0 if |V| ≤ absolute throughout and
infinite otherwise, so θ is shrunk until that holds. With θ = ℓ'(z) and a bias that is optimal for W, the bound for l2
is ‖∂F/∂W‖²/(2 squared): strong convexity, of F minimised over the bias.

Source: Rockafellar, Convex Analysis (1970), §31; Bertsekas, Nonlinear Programming (1999), §6.4.
"""

from typing import NamedTuple

from torch import Tensor

from linnet.optimum.problem import Problem

UNIT_ROUNDOFF = 2.0**-53


class Certified(NamedTuple):
    """F at a point, and a bound of its distance to inf F. theta: the dual point, `[C, N]`; v: its V, `[C, D]`."""

    objective: float
    bound: float
    theta: Tensor
    v: Tensor


def duality_gap(problem: Problem, weight: Tensor, bias: Tensor, theta: Tensor | None = None) -> Certified:
    """Certify weight `[C, D]` and bias `[C]`, float64.

    Args:
        problem: with a penalty.
        theta: dual point `[C, N]` in the domain; None: the derivative of the loss at the prediction.
    """
    family, absolute, squared = problem.family, problem.absolute, problem.squared
    if absolute == 0 and squared == 0:
        raise ValueError("a problem without penalty has no dual point of this kind: absolute and squared are both 0")
    z, y = problem.predict(weight, bias), problem.targets
    values, derivative = family.value_and_theta(z, y)
    theta = derivative if theta is None else theta
    theta = family.centre(theta, y) if problem.bias else theta
    v = -problem.transpose(theta)

    # |computed V − V| ≤ N u mean|θ||x|, however the sum is ordered (Higham, Accuracy and Stability, §3.1). The slope is
    # that of an example of weight 1, since the mean magnitude contains the weights.
    slope = family.per_weight(theta).abs().amax(1, keepdim=True)
    error = (problem.n_examples + 2) * UNIT_ROUNDOFF * slope * problem.mean_magnitude
    if squared == 0:
        excess = ((v.abs() + error) / absolute).amax(1, keepdim=True).clamp(min=1)
        shrink = 1 / (excess if family.separable else excess.max())
        theta, v, error = theta * shrink, v * shrink, error * shrink
        conjugate, sensitivity = 0.0, weight.abs()
    else:
        beyond = (v.abs() - absolute).clamp(min=0)
        conjugate = float(beyond.square().sum()) / (2 * squared)
        sensitivity = (beyond * v.sign() / squared - weight).abs() + error / squared

    penalty = problem.penalty(weight)
    dual = family.conjugate(theta, y)
    product = (theta * z).sum(0)
    gap = float((values + dual - product).mean()) + penalty + conjugate - float((v * weight).sum())
    rounding = float((error * sensitivity).sum()) + allowance(
        problem, weight, bias, values, slope.max().item(), penalty
    )
    rounding += (problem.n_examples + 8) * UNIT_ROUNDOFF * float((dual.abs() + product.abs()).mean())
    return Certified(float(values.mean()) + penalty, max(gap, 0.0) + rounding, theta, v)


def allowance(problem: Problem, weight: Tensor, bias: Tensor, values: Tensor, slope: float, penalty: float) -> float:
    """How far rounding can move the computed F at the most: sums of n numbers err by n unit roundoffs of their size.

    Args:
        values: wℓ of each example, `[N]`.
        slope: largest |∂ℓ/∂z| of an example of weight 1.
    """
    reach = float((weight.abs() @ problem.mean_magnitude + bias.abs()).sum())  # Σ_c mean of |W_c||x_i| + |b_c|
    predictions = 2 * (problem.n_features + 4) * slope * reach
    sums = (problem.n_examples + 16) * float(values.abs().mean()) + (weight.numel() + 2) * penalty
    return UNIT_ROUNDOFF * (predictions + sums)
