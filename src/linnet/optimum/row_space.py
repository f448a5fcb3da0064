"""Coordinates in which the examples of a small problem are white and no direction is redundant."""

from typing import NamedTuple

import torch
from torch import Tensor

from linnet.optimum.duality_gap import UNIT_ROUNDOFF
from linnet.optimum.problem import Problem

RANK_TOLERANCE = 1e-11
"""Singular values below this share of the largest, of features scaled to unit length, count as zero."""


class RowSpace(NamedTuple):
    """Features (with a one for the bias) as `examples [N, r]`, with Σ w_i e_i e_iᵀ = N I up to rounding.

    Any prediction of a linear map of the features is one of a linear map of these, and the other way round.
    white: √w times the examples `[N, r]`, so that whiteᵀ white = N I.
    back: `[D or D + 1, r]`, the parameters of the problem for parameters of these coordinates.
    full: whether r is the number of coefficients, so that parameters are determined by predictions.
    error: by how much rounding can have turned a direction of `white`, as an angle.
    """

    examples: Tensor
    white: Tensor
    back: Tensor
    full: bool
    error: float

    def parameters(self, problem: Problem, v: Tensor) -> tuple[Tensor, Tensor]:
        """Weight `[C, D]` and bias `[C]` that predict from features what v `[C, r]` does from these coordinates."""
        both = v @ self.back.T
        bias = both[:, -1] if problem.bias else both.new_zeros(len(both))
        return both[:, : problem.n_features], bias

    def coordinates(self, problem: Problem, weight: Tensor, bias: Tensor) -> Tensor:
        """Coordinates `[C, r]` of weight `[C, D]` and bias `[C]`."""
        return problem.family.times_weight(problem.predict(weight, bias), 0.5) @ self.white / len(self.white)


def row_space(problem: Problem) -> RowSpace:
    """Whiten by a singular value decomposition; costs N D², and memory for a copy of the examples in float64."""
    design = problem.family.times_weight(problem.design().T, 0.5).T
    length = design.norm(dim=0)
    kept = design[:, length > 0] / length[length > 0]
    if kept.shape[1] == 0:
        none = design[:, :0]
        return RowSpace(none, none, design.new_zeros(design.shape[1], 0), design.shape[1] == 0, 0.0)
    left, singular, right = torch.linalg.svd(kept, full_matrices=False)
    rank = int((singular > RANK_TOLERANCE * singular[0]).sum())
    # Wedin's theorem: a backward error of a few roundoffs turns singular vectors by that over the singular value.
    error = 8 * rank**0.5 * UNIT_ROUNDOFF * float(singular[0] / singular[rank - 1])
    back = torch.zeros(design.shape[1], rank, dtype=torch.float64)
    back[length > 0] = right[:rank].T / singular[:rank] / length[length > 0, None] * problem.n_examples**0.5
    white = left[:, :rank] * problem.n_examples**0.5
    return RowSpace(problem.family.per_weight(white.T, 0.5).T, white, back, rank == design.shape[1], error)
