"""An approximate inverse of the Hessian of a sparse problem: a diagonal, of features centred without being changed.

With b' = b + W m for the weighted means m of the features, W and b' hardly influence each other: the Hessian in these
is that of centred features, which would be dense, but whose diagonal takes two sparse products. A change of variables
is all that centring is here, and only of the preconditioner.
"""

import torch
from torch import Tensor

from linnet.solvers.sparse.problem import SparseProblem

SMALL = 1e-9
"""What is added to the diagonal, relative to its mean, where the Hessian may be singular."""
ROUNDING = 1e-14
"""Share of a feature's second moment below which its variance is rounding."""


class CentredDiagonal:
    """The approximate inverse for one problem; `update` moves it to another point.

    free: which weights may move, `[C, D]`; None: all. The gradient of the others does not count, and they stay.
    """

    free: Tensor | None = None

    def __init__(self, problem: SparseProblem) -> None:
        self.problem = problem

    def update(self, curvature: Tensor) -> None:
        problem, loss = self.problem, self.problem.convex_loss
        each = [loss.row(curvature, c, slice(c, c + 1))[0] for c in range(problem.n_outputs)]
        second = torch.stack(each)  # ∂²ℓ/∂z_c², [C, N]
        total = second.mean(1, keepdim=True)
        moment = problem.transpose_squares(second)
        small = SMALL * float(moment.mean()) + 1e-300
        self.of_bias = 1 / (total[:, 0] + 1e-300)
        self.mean = torch.zeros_like(moment)
        if problem.bias:
            self.mean = problem.transpose(second) * self.of_bias[:, None]
        self.diagonal = torch.maximum(moment - total * self.mean.square(), ROUNDING * moment) + problem.l2 + small
        self.of_weight = 1 / self.diagonal
        if self.free is not None:
            self.mean, self.of_weight = self.mean * self.free, self.of_weight * self.free

    def __call__(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        step = (weight - self.mean * bias[:, None]) * self.of_weight
        if not self.problem.bias:
            return step, torch.zeros_like(bias)
        return step, bias * self.of_bias - (self.mean * step).sum(1)
