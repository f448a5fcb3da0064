"""Least absolute deviations: by a linear programme, or the exact vertex, given the examples that it interpolates."""

import math

import numpy as np
import scipy.sparse as sparse
import torch
from scipy.optimize import linprog
from torch import Tensor

from linnet.losses import Huber
from linnet.solvers.convex_losses import Robust
from linnet.solvers.problem import Problem


class ScaledHuber(Robust):
    """Huber's loss over its δ, which tends to absolute error for δ → 0."""

    def __init__(self, width: float, weight: Tensor | None = None) -> None:
        super().__init__(Huber(width), slope=1.0, width=width)
        self.weight = weight

    def value_and_theta(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        value, theta = super().value_and_theta(z, y)
        return value / self.width, theta / self.width


def widths(problem: Problem) -> list[float]:
    """Return decreasing values of δ, from the standard deviation of the targets towards 0."""
    y = problem.targets
    spread = float((y - y.mean(0)).square().mean().sqrt()) or 1.0
    return [spread * 0.1**k for k in range(10)]


def lad_vertex(
    problem: Problem, weight: Tensor, theta: Tensor, largest: float = math.inf
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Solve the optimality conditions for the examples with |θ| below their weight and the weights that are not zero.

    The plane passes through these examples (w·x_i + b = y_i), the others keep the sign of their residual, and
    l2 w + l1 sign(w) + 1/N Σ θ_i x_i = 0 with Σ θ_i = 0: a linear system in w, b and the inner θ.

    Args:
        problem: of absolute error with one output.
        weight: an approximation, `[1, D]`.
        theta: an approximation of the dual variables, `[1, N]`, of which those at their limits are right.
        largest: number of unknowns beyond which it is not tried.

    Returns:
        weight `[1, D]`, bias `[1]`, theta `[1, N]`; None if it is too large, or if far more examples are inner than a
        plane can pass through, unless these lie in special position.
    """
    assert isinstance(problem.convex_loss, Robust)
    limits = problem.convex_loss.limits.expand(problem.n_examples)
    inner, used = theta[0].abs() < limits, weight[0] != 0
    if int(inner.sum()) > 2 * (problem.n_features + 1) + 50:
        return None
    y, n_examples = problem.targets[:, 0], problem.n_examples
    n_used, n_inner, n_bias = int(used.sum()), int(inner.sum()), int(problem.bias)
    outer = theta[0] * ~inner
    ones = weight.new_ones(n_inner, n_bias)
    size = n_used + n_bias + n_inner
    if size > largest:
        return None
    here = problem.part(inner, used)
    if size == 0:  # all weights are 0, and every example is on its side
        return weight, weight.new_zeros(1), theta
    matrix = torch.zeros(size, size, dtype=torch.float64)
    matrix[:n_used, :n_used] = problem.l2 * torch.eye(n_used, dtype=torch.float64)
    matrix[:n_used, n_used + n_bias :] = here.T / n_examples
    matrix[n_used : n_used + n_bias, n_used + n_bias :] = ones.T / n_examples
    matrix[n_used + n_bias :, :n_used] = here
    matrix[n_used + n_bias :, n_used : n_used + n_bias] = ones
    pull = problem.transpose(outer[None])[0, used] + problem.l1 * weight[0, used].sign()
    right = torch.cat([-pull, -outer.sum().expand(n_bias) / n_examples, y[inner]])
    # Rows and columns of one size: rounding and rank then do not depend on the units of the features.
    root = matrix.abs().amax(0).sqrt().clamp(min=1e-150)
    matrix, right = matrix / root / root[:, None], right / root
    again = matrix.abs().amax(0).clamp(min=1e-150)
    solved = torch.linalg.lstsq(matrix / again, right, driver="gelsd").solution / again / root
    new_weight, new_theta = torch.zeros_like(weight), theta.clone()
    new_weight[0, used] = solved[:n_used]
    new_theta[0, inner] = solved[n_used + n_bias :].clamp(-limits[inner], limits[inner])
    bias = solved[n_used : n_used + n_bias] if problem.bias else torch.zeros(1, dtype=torch.float64)
    return new_weight, bias, new_theta


LARGEST = 3e6
"""Features beyond which the programme would take minutes or more."""


def least_absolute(problem: Problem) -> tuple[Tensor, Tensor, Tensor, int] | None:
    """Minimise mean w|Wx + b − y| + l1 ‖W‖₁ of one output.

    The variables are W = W⁺ − W⁻, b, and residuals u − v with u, v ≥ 0; the objective is linear in them, and the
    shadow price of an example's equation is minus its dual variable over N.

    Returns:
        weight `[1, D]`, bias `[1]`, dual variables θ `[1, N]`, iterations; None if the programme is too large, or the
        solver gives up.
    """
    if problem.x.numel() > LARGEST:
        return None
    n_examples, n_features = problem.n_examples, problem.n_features
    x, y = problem.dense_features().numpy(), problem.targets[:, 0].numpy()
    # The solver's tolerances are absolute. By its largest number a column with one outlier would be scaled to nothing.
    size = np.abs(x)
    scale = np.exp(np.log(size, where=size > 0, out=np.zeros_like(x)).sum(0) / np.maximum((size > 0).sum(0), 1))
    x = x / scale
    identity = sparse.identity(n_examples, format="csr")
    ones = np.ones((n_examples, int(problem.bias)))
    sizes = np.ones(n_examples) if problem.weight is None else problem.weight.numpy()
    equations = sparse.hstack([sparse.csr_matrix(np.hstack([x, -x, ones])), -identity, identity], format="csc")
    costs = np.concatenate([
        np.tile(problem.l1 / scale, 2), np.zeros(int(problem.bias)), np.tile(sizes / n_examples, 2)
    ])  # fmt: skip
    free, positive = [(None, None)] * int(problem.bias), (0, None)
    bounds = [positive] * (2 * n_features) + free + [positive] * (2 * n_examples)
    result = linprog(costs, A_eq=equations, b_eq=y, bounds=bounds, method="highs", options={
        "primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10,
    })  # fmt: skip
    if result.status != 0:
        return None
    weight = (result.x[:n_features] - result.x[n_features : 2 * n_features]) / scale
    bias = result.x[2 * n_features : 2 * n_features + int(problem.bias)]
    theta = np.clip(-n_examples * result.eqlin.marginals, -sizes, sizes)
    over, under = result.x[2 * n_features + int(problem.bias) :].reshape(2, n_examples)
    theta = np.where(over > 0, sizes, np.where(under > 0, -sizes, theta))  # to the last bit, where there is a residual
    return (
        torch.from_numpy(weight)[None],
        torch.from_numpy(bias) if problem.bias else torch.zeros(1, dtype=torch.float64),
        torch.from_numpy(theta)[None],
        int(result.nit),
    )
