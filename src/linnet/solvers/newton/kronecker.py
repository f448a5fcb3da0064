"""A cheap approximate inverse of the Hessian of softmax regression: a Kronecker product.

The Hessian of the loss is Σ_i (diag(p_i) − p_i p_iᵀ) ⊗ x_i x_iᵀ / N. If both factors varied independently over the
examples it would be M ⊗ S, with M the mean of the first and S that of the second, weighted by how uncertain the example
is. Eigenvectors of both diagonalise M ⊗ S + l2 · I. Features are centred, which separates the bias.
"""

import torch
from torch import Tensor

from linnet.solvers.problem import Problem

SAMPLE = 2_500
"""Examples that stand for all in S."""


class Kronecker:
    """The approximate inverse for one problem with an l2 penalty; `update` moves it to another point.

    Args:
        problem: softmax regression.
        dtype: of products with the examples; eigenvectors are in float64.
    """

    def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
        self.problem = problem
        self.every = max(1, problem.n_examples // SAMPLE)
        self.x = problem.x[:: self.every].to(dtype)

    @staticmethod
    def work(problem: Problem) -> float:
        """Estimate the multiplications of an update."""
        n_rows = min(problem.n_examples, 2 * SAMPLE)
        return n_rows * float(problem.n_features) ** 2 + 10 * float(problem.n_features) ** 3

    def update(self, curvature: Tensor) -> None:
        """Move to the point whose curvature `[C, N]` is given."""
        convex_loss, x, curvature = self.problem.convex_loss, self.x, curvature.to(self.x.dtype)
        mean = convex_loss.mean_hessian(curvature).double()
        sample = curvature[:, :: self.every]
        total = sample.sum(0)
        uncertain = (total - sample.square().sum(0) / total.clamp(min=torch.finfo(total.dtype).tiny)).clamp(min=0)
        share = uncertain / uncertain.sum().clamp(min=torch.finfo(total.dtype).tiny)
        self.centre = (share @ x).double() if self.problem.bias else x.new_zeros(x.shape[1], dtype=torch.float64)
        spread = ((x * share[:, None]).T @ x).double() - torch.outer(self.centre, self.centre)
        large, self.outputs = torch.linalg.eigh(mean)
        small, self.directions = torch.linalg.eigh(spread)
        least = torch.finfo(curvature.dtype).eps * float(large[-1])
        self.inverse_mean = torch.where(large > 10 * least, 1 / large.clamp(min=least), 0.0)
        self.scale = 1 / (torch.outer(large.clamp(min=0), small.clamp(min=0)) + self.problem.l2)

    def __call__(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the inverse to a gradient, weight `[C, D]` and bias `[C]` in float64."""
        rotated = self.outputs.T @ (weight - torch.outer(bias, self.centre)) @ self.directions
        step = self.outputs @ (rotated * self.scale) @ self.directions.T
        if not self.problem.bias:
            return step, torch.zeros_like(bias)
        shift = self.outputs @ (self.inverse_mean * (self.outputs.T @ bias))
        return step, shift - step @ self.centre
