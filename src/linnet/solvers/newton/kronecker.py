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
        self.problem, self.dtype = problem, dtype
        self.inverse: Tensor | None = None

    @staticmethod
    def work(problem: Problem) -> float:
        """Estimate the multiplications of an update."""
        n_features = float(problem.n_features)
        return min(problem.n_examples, SAMPLE) * n_features**2 + 10 * n_features**3

    def update(self, curvature: Tensor) -> None:
        """Move to the point whose curvature `[C, N]` is given."""
        convex_loss, curvature = self.problem.convex_loss, curvature.to(self.dtype)
        mean = convex_loss.mean_hessian(curvature).double()
        x, share = self._sample(convex_loss.trace(curvature))
        self.centre = (share @ x).double() if self.problem.bias else x.new_zeros(x.shape[1], dtype=torch.float64)
        spread = ((x * share[:, None]).T @ x).double() - torch.outer(self.centre, self.centre)
        self.inverse = None
        if len(mean) == 1:  # one factor is a number: an inverse takes a fifth of the time of a basis
            penalised = mean * spread
            penalised.diagonal().add_(self.problem.l2)
            factor, failed = torch.linalg.cholesky_ex(penalised)
            self.inverse = None if failed else torch.cholesky_inverse(factor)
        large, self.outputs = torch.linalg.eigh(mean)
        least = torch.finfo(curvature.dtype).eps * float(large[-1])
        self.inverse_mean = torch.where(large > 10 * least, 1 / large.clamp(min=least), 0.0)
        if self.inverse is not None:
            return
        small, self.directions = torch.linalg.eigh(spread)
        self.scale = 1 / (torch.outer(large.clamp(min=0), small.clamp(min=0)) + self.problem.l2)

    def _sample(self, uncertain: Tensor) -> tuple[Tensor, Tensor]:
        """Return features `[S, D]` of examples drawn in proportion to their uncertainty `[N]`, and their shares `[S]`.

        Most examples are nearly certain at last, so that of any others hardly one would count. Drawn systematically
        (Madow, "On the theory of systematic sampling, II", 1949), and so the same every time.
        """
        x, share = self.problem.x, uncertain.double()
        share = share / share.sum().clamp(min=torch.finfo(torch.float64).tiny)
        if len(x) > 2 * SAMPLE:
            ends = (share.cumsum(0) * SAMPLE + 0.5).floor()
            times = torch.diff(ends, prepend=ends.new_zeros(1))
            rows = times.nonzero()[:, 0]
            x, share = x[rows], times[rows] / SAMPLE
        return x.to(self.dtype), share.to(self.dtype)

    def __call__(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the inverse to a gradient, weight `[C, D]` and bias `[C]` in float64."""
        centred = weight - torch.outer(bias, self.centre)
        if self.inverse is not None:
            step = centred @ self.inverse
        else:
            rotated = self.outputs.T @ centred @ self.directions
            step = self.outputs @ (rotated * self.scale) @ self.directions.T
        if not self.problem.bias:
            return step, torch.zeros_like(bias)
        shift = self.outputs @ (self.inverse_mean * (self.outputs.T @ bias))
        return step, shift - step @ self.centre
