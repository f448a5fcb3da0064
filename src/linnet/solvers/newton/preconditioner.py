"""An approximate inverse of the Hessian: exact where the data vary most, one block per direction elsewhere.

In the basis of the data's principal directions the Hessian of softmax regression is close to two parts: a dense
matrix over outputs × leading directions, which carry nearly all of the curvature, and for each other direction a C × C
matrix, in which the penalty weighs most. Fashion-MNIST with 70 leading directions takes about 10 steps of conjugate
gradients a Newton step, where Böhning's bound as preconditioner takes hundreds. With all directions leading, the
inverse is exact and so the solver plain Newton.
"""

from typing import Protocol

import torch
from torch import Tensor

from linnet.solvers.problem import Problem

LEADING_NUMBERS = 700
"""Unknowns in the dense part: its factorisation then costs less than a pass over Fashion-MNIST."""
DENSE_WORK = 2e10
"""Multiplications that a dense Hessian of all examples may take; beyond, a sample of the examples stands for all."""
SAMPLE = 5_000
EIGEN_FEATURES = 3000
"""Features up to which all principal directions are computed."""


class Inverse(Protocol):
    """An approximate inverse of the Hessian, symmetric and positive definite."""

    def update(self, curvature: Tensor) -> None:
        """Move to the point whose curvature `[C, N]` is given."""

    def __call__(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the inverse to a gradient, weight `[C, D]` and bias `[C]` in float64."""


class Preconditioner:
    """The approximate inverse for one problem; `update` moves it to another point.

    Args:
        problem: the training problem.
        dtype: of the products with the examples; factorisations are in float64.
    """

    def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
        n_examples = problem.n_examples
        self.problem = problem
        self.coupled = 1 if problem.convex_loss.separable else problem.n_outputs
        self.n_leading = n_leading(problem)
        self.every = 1 if _all_rows(problem) <= DENSE_WORK else max(1, n_examples // SAMPLE)
        x = problem.x[:: self.every].to(dtype)
        self.basis = self._principal_directions(x)  # [D, k], all of them where that is cheap
        rotated = x @ self.basis.to(dtype)
        ones = x.new_ones(len(x), 1 if problem.bias else 0)
        self.leading = torch.cat([rotated[:, : self.n_leading], ones], 1).T.contiguous()  # [width, rows]
        self.remaining = rotated[:, self.n_leading :].square()

    def _principal_directions(self, x: Tensor) -> Tensor:
        if self.n_leading == x.shape[1]:
            return torch.eye(x.shape[1], dtype=torch.float64)  # no direction is left out, so none must be chosen
        if x.shape[1] <= EIGEN_FEATURES:
            return torch.linalg.eigh((x.T @ x).double())[1].flip(1)
        torch.manual_seed(0)
        return torch.svd_lowrank(x, self.n_leading, niter=1)[2].double()

    def update(self, curvature: Tensor, jitter: float = 1e-9) -> None:
        """Move to the point whose curvature `[C, N]` is given.

        Args:
            jitter: what is added to the diagonal, relative to its mean, where the Hessian may be singular.
        """
        problem, convex_loss, n_outputs = self.problem, self.problem.convex_loss, self.problem.n_outputs
        sample, width, n_rows = curvature[:, :: self.every], *self.leading.shape
        n_tail = self.remaining.shape[1]
        dense = torch.zeros(n_outputs, width, n_outputs, width, dtype=torch.float64)
        blocks = torch.zeros(n_tail, n_outputs, n_outputs, dtype=torch.float64)
        for row in range(n_outputs):
            columns = slice(row, row + 1 if convex_loss.separable else n_outputs)
            weights = convex_loss.row(sample, row, columns).to(self.leading.dtype) / n_rows  # [columns, rows]
            # One wide product a row: many small ones would wait for each other.
            weighted = (weights[:, None] * self.leading).view(-1, n_rows)  # [columns × width, rows]
            block = (weighted @ self.leading.T).double().view(-1, width, width)
            dense[row, :, columns] = block.transpose(0, 1)
            dense[columns, :, row] = block
            blocks[:, row, columns] = blocks[:, columns, row] = (self.remaining.T @ weights.T).double()
        penalised = torch.full((width,), problem.l2, dtype=torch.float64)
        penalised[self.n_leading :] = 0
        small = jitter * dense.diagonal(dim1=0, dim2=2).diagonal(dim1=0, dim2=1).mean() + 1e-300
        if convex_loss.separable:
            hessians = torch.stack([dense[c, :, c] for c in range(n_outputs)])
            self.dense = _factor(hessians + torch.diag(penalised + small))
        else:
            self.dense = _factor(
                dense.view(1, n_outputs * width, -1) + torch.diag((penalised + small).repeat(n_outputs))
            )
        tail = problem.l2 + small
        self.blocks = torch.linalg.inv(blocks + tail * torch.eye(n_outputs, dtype=torch.float64))
        self.rest = 1 / float(problem.l2 + small + blocks.diagonal(dim1=1, dim2=2).mean() if n_tail else tail)

    def __call__(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the inverse to a gradient, weight `[C, D]` and bias `[C]` in float64."""
        rotated = weight @ self.basis
        leading = rotated[:, : self.n_leading]
        if self.problem.bias:
            leading = torch.cat([leading, bias[:, None]], 1)
        solved = torch.cholesky_solve(leading.reshape(len(self.dense), -1, 1), self.dense).view(len(weight), -1)
        tail = torch.einsum("jrc,cj->rj", self.blocks, rotated[:, self.n_leading :])
        step = torch.cat([solved[:, : self.n_leading], tail], 1) @ self.basis.T
        if self.basis.shape[1] < self.basis.shape[0]:
            step += (weight - rotated @ self.basis.T) * self.rest
        shift = solved[:, self.n_leading] if self.problem.bias else torch.zeros_like(bias)
        if self.coupled > 1:
            # A common change of all logits changes nothing: what there is of it is rounding over a curvature of 0.
            shift = shift - shift.mean()
            step = step - step.mean(0) if self.problem.l2 == 0 else step
        return step, shift


def n_leading(problem: Problem) -> int:
    """Return the number of leading directions."""
    coupled = 1 if problem.convex_loss.separable else problem.n_outputs
    return min(problem.n_features, max(1, LEADING_NUMBERS // coupled - 1))


def _all_rows(problem: Problem) -> float:
    """Return the multiplications of a dense Hessian of all examples, without the use of its symmetry."""
    coupled = 1 if problem.convex_loss.separable else problem.n_outputs
    return problem.n_examples * float(coupled * (n_leading(problem) + 1)) ** 2 * problem.n_outputs / coupled


def dense_work(problem: Problem) -> float:
    """Estimate the multiplications of `Preconditioner.update`."""
    work, coupled = _all_rows(problem), 1 if problem.convex_loss.separable else problem.n_outputs
    # Blocks of two outputs are computed once, each block as a whole.
    every = 1 if work <= DENSE_WORK else max(1, problem.n_examples // SAMPLE)
    return work / (2 if coupled > 1 else 1) / every + float(coupled * (n_leading(problem) + 1)) ** 3 / 3


def _factor(matrices: Tensor) -> Tensor:
    """Compute Cholesky factors of matrices `[B, n, n]`, shifted slightly where rounding made one indefinite."""
    if not matrices.isfinite().all():
        raise ValueError("the Hessian holds numbers that are not finite: features or predictions overflow")
    size = matrices.diagonal(dim1=1, dim2=2).abs().mean(1)[:, None, None] + 1e-300
    ridge = size * torch.eye(matrices.shape[1], dtype=matrices.dtype)
    factor, info = torch.linalg.cholesky_ex(matrices)
    share = 1e-12
    while info.any():
        factor, info = torch.linalg.cholesky_ex(matrices + share * ridge)
        share *= 10
    return factor
