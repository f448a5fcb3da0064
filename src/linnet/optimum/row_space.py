"""Coordinates in which the examples of a small problem are white and no direction is redundant."""

from typing import NamedTuple

import torch
from torch import Tensor

from linnet.optimum.problem import CHUNK_NUMBERS, Problem
from linnet.optimum.rounding import UNIT_ROUNDOFF


class RowSpace(NamedTuple):
    """Features (with a one for the bias) as `examples [N, r]`, with Σ w_i e_i e_iᵀ = N I up to rounding.

    Any prediction of a linear map of the features is one of a linear map of these, and the other way round.
    white: √w times the examples `[N, r]`, so that whiteᵀ white = N I.
    back: `[D or D + 1, r]`, the parameters of the problem, with features less `centre [D]`, for parameters here.
    full: whether r is the number of coefficients, so that parameters are determined by predictions.
    doubt: root mean (weighted) square of what rounding can have done to a column of the examples, `[r]`: their
        difference from the exact product of the centred features with `back`.
    largest_doubt: the largest length of that in one row.
    smallest: lower bound of the singular values of the exact white examples, over √N; 1 but for rounding.
    """

    examples: Tensor
    white: Tensor
    back: Tensor
    centre: Tensor
    full: bool
    doubt: Tensor
    largest_doubt: float
    smallest: float

    def parameters(self, problem: Problem, v: Tensor) -> tuple[Tensor, Tensor]:
        """Weight `[C, D]` and bias `[C]` that predict from features what v `[C, r]` does from these coordinates."""
        both = v @ self.back.T
        weight = both[:, : problem.n_features]
        bias = both[:, -1] - weight @ self.centre if problem.bias else both.new_zeros(len(both))
        return weight, bias

    def coordinates(self, problem: Problem, weight: Tensor, bias: Tensor) -> Tensor:
        """Coordinates `[C, r]` of weight `[C, D]` and bias `[C]`."""
        return problem.family.times_weight(problem.predict(weight, bias), 0.5) @ self.white / len(self.white)


def row_space(problem: Problem) -> RowSpace:
    """Whiten by a singular value decomposition; costs N D², and memory for a copy of the examples in float64.

    Singular values of features (less their mean, if there is a bias) of unit length are taken for 0 up to
    max(N, D) 2⁻⁵³ of the largest: what is smaller can be rounding, and what is larger may matter.
    """
    family, n_examples = problem.family, problem.n_examples
    design, centre = problem.design(), torch.zeros(problem.n_features, dtype=torch.float64)
    if problem.bias:  # a large offset would hide what the features hold
        centre = family.mean(design[:, :-1].T)[:, 0]
        design[:, :-1] -= centre
    rooted = family.times_weight(design.T, 0.5).T
    length = rooted.norm(dim=0)
    kept = rooted[:, length > 0] / length[length > 0]
    back = design.new_zeros(design.shape[1], 0)
    if kept.shape[1] > 0:
        _, singular, right = torch.linalg.svd(kept, full_matrices=False)
        rank = int((singular > max(kept.shape) * UNIT_ROUNDOFF * singular[0]).sum())
        back = design.new_zeros(design.shape[1], rank)
        back[length > 0] = right[:rank].T / singular[:rank] / length[length > 0, None] * n_examples**0.5
    del rooted, kept
    examples, rank = design @ back, back.shape[1]
    squares, largest = design.new_zeros(rank), 0.0
    size = max(1, CHUNK_NUMBERS // max(1, design.shape[1]))
    for start in range(0, n_examples, size):
        rows = slice(start, start + size)
        # A feature less its mean is rounded once, a product of D + 1 factors adds up with D + 2 roundings each.
        doubt = 2 * (design.shape[1] + 3) * UNIT_ROUNDOFF * (design[rows].abs() @ back.abs())
        squares += family.of(rows).times_weight(doubt.square().T).sum(1)
        largest = max(largest, float(doubt.square().sum(1).max()) ** 0.5)
    white = family.times_weight(examples.T, 0.5).T
    doubt = (squares / n_examples).sqrt()
    gram = white.T @ white / n_examples - torch.eye(rank, dtype=torch.float64)
    off = float(gram.norm()) + 2 * (n_examples + 8) * UNIT_ROUNDOFF * rank
    smallest = max(1 - off, 0.0) ** 0.5 - float(doubt.norm())
    return RowSpace(examples, white, back, centre, rank == design.shape[1], doubt, largest, smallest)
