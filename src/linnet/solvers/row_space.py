"""Whitened coordinates of a small problem's examples, without redundant directions, and Newton's method in them."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import qr
from torch import Tensor

from linnet.solvers.exact_arithmetic.dependencies import depend_exactly
from linnet.solvers.extended_precision import Sliced
from linnet.solvers.least_squares.numerical_rank import data_tolerance
from linnet.solvers.newton import newton
from linnet.solvers.newton.newton import Point
from linnet.solvers.problem import CHUNK_NUMBERS, Problem
from linnet.solvers.rounding import UNIT_ROUNDOFF

ILL_CONDITIONED = 1e4
"""Condition of the scaled features from which on the examples are computed in extended precision."""


class RowSpace(NamedTuple):
    """Features (with a one for the bias) as `examples [N, r]`, with Σ w_i e_i e_iᵀ = N I up to rounding.

    Any prediction of a linear map of the features is one of a linear map of these, and the other way round.
    white: √w times the examples `[N, r]`, so that whiteᵀ white = N I.
    back: `[D or D + 1, r]`, the parameters of the problem, with features less `centre [D]`, for parameters here.
    full: whether r is the number of coefficients, so that parameters are determined by predictions.
    complete: whether, if the examples have rank r, they allow every prediction that the features allow, proven. If not,
        some columns depend on each other but for rounding, and that rest is left out.
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
    complete: bool
    doubt: Tensor
    largest_doubt: float
    smallest: float

    def parameters(self, problem: Problem, v: Tensor) -> tuple[Tensor, Tensor]:
        """Convert v `[C, r]` in these coordinates to weight `[C, D]` and bias `[C]` with the same predictions."""
        both = v @ self.back.T
        weight = both[:, : problem.n_features]
        bias = both[:, -1] - weight @ self.centre if problem.bias else both.new_zeros(len(both))
        return weight, bias

    def coordinates(self, problem: Problem, weight: Tensor, bias: Tensor) -> Tensor:
        """Convert weight `[C, D]` and bias `[C]` to coordinates `[C, r]`."""
        return problem.convex_loss.times_weight(problem.predict(weight, bias), 0.5) @ self.white / len(self.white)


def row_space(problem: Problem) -> RowSpace:
    """Whiten by a singular value decomposition; costs N D², and memory for a copy of the examples in float64.

    The rank is decided at max(N, D) 2⁻⁵³ σ_max of features (less their mean, if there is a bias) of unit length.
    Where the problem names the rounding errors of its features, by `origin`, these count too.
    """
    convex_loss, n_examples = problem.convex_loss, problem.n_examples
    design, centre = problem.design(), torch.zeros(problem.n_features, dtype=torch.float64)
    if problem.bias:  # a large offset would hide what the features hold
        centre = convex_loss.mean(design[:, :-1].T)[:, 0]
        design[:, :-1] -= centre
    rooted = convex_loss.times_weight(design.T, 0.5).T
    back, condition = _whitening(problem, rooted, centre)
    del rooted
    if condition < ILL_CONDITIONED:
        examples = design @ back
        # A feature less its mean is rounded once, a product of D + 1 factors adds up with D + 2 roundings each.
        relative = 2 * (design.shape[1] + 3) * UNIT_ROUNDOFF
    else:
        examples, back = _precise_examples(problem, design, centre, back)
        relative = 4 * (design.shape[1] + 3) * UNIT_ROUNDOFF**2
    rank, squares, largest = back.shape[1], design.new_zeros(back.shape[1]), 0.0
    size = max(1, CHUNK_NUMBERS // max(1, design.shape[1]))
    for start in range(0, n_examples, size):
        rows = slice(start, start + size)
        doubt = relative * (design[rows].abs() @ back.abs())
        if condition >= ILL_CONDITIONED:
            doubt += 2 * UNIT_ROUNDOFF * examples[rows].abs() + _sliced_error(design, back)
        squares += convex_loss.of(rows).times_weight(doubt.square().T).sum(1)
        largest = max(largest, float(doubt.square().sum(1).max()) ** 0.5)
    white = convex_loss.times_weight(examples.T, 0.5).T
    doubt = (squares / n_examples).sqrt()
    gram = white.T @ white / n_examples - torch.eye(rank, dtype=torch.float64)
    off = float(gram.norm()) + 2 * (n_examples + 8) * UNIT_ROUNDOFF * rank
    smallest = max(1 - off, 0.0) ** 0.5 - float(doubt.norm())
    full = rank == design.shape[1]
    complete = full or rank == n_examples or depend_exactly(problem, rank)
    return RowSpace(examples, white, back, centre, full, complete, doubt, largest, smallest)


def _whitening(problem: Problem, rooted: Tensor, centre: Tensor) -> tuple[Tensor, float]:
    """Compute `back [P, r]` for weighted rows `[N, P]` with centred features, and the condition of scaled columns."""
    length = rooted.norm(dim=0)
    used = length > 0
    length = length[used]
    kept = rooted[:, used] / length
    if kept.shape[1] == 0:
        return rooted.new_zeros(rooted.shape[1], 0), 1.0
    _, singular, right = torch.linalg.svd(kept, full_matrices=False)
    rank = int((singular > max(kept.shape) * UNIT_ROUNDOFF * singular[0]).sum())
    if problem.origin is not None:
        offset = rooted.new_zeros(rooted.shape[1])
        offset[: problem.n_features] = (problem.origin + centre) * len(rooted) ** 0.5
        given = torch.hypot(length, offset[used])
        triangle = torch.linalg.qr(rooted[:, used] / given, mode="r")[1].numpy()
        pivots = np.abs(np.diag(qr(triangle, mode="r", pivoting=True)[0]))
        certain = int((pivots > data_tolerance(len(given))).sum())
        if certain < rank:
            rank, length = certain, given
            _, singular, right = torch.linalg.svd(rooted[:, used] / given, full_matrices=False)
    back = rooted.new_zeros(rooted.shape[1], rank)
    back[used] = right[:rank].T / singular[:rank] / length[:, None] * len(rooted) ** 0.5
    return back, float(singular[0] / singular[rank - 1])


def _precise_examples(problem: Problem, design: Tensor, centre: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the examples in twice the working precision, and a `back` that whitens them.

    Singular vectors are known to rounding errors of the size of the largest singular value, which the division by a
    small one makes large.
    """
    examples = _product(problem, design, centre, back)
    white = problem.convex_loss.times_weight(examples.T, 0.5).T / len(examples) ** 0.5
    triangle = torch.linalg.qr(white, mode="r")[1]
    back = torch.linalg.solve_triangular(triangle, back, upper=True, left=False)
    return _product(problem, design, centre, back), back


def _product(problem: Problem, design: Tensor, centre: Tensor, back: Tensor) -> Tensor:
    """Compute (x − centre, 1) `back`, where `design [N, P]` is the first factor, rounded."""
    parts = []
    size = max(1, CHUNK_NUMBERS // 8 // max(1, design.shape[1]))
    for start in range(0, len(design), size):
        high, x = design[start : start + size], problem.x[start : start + size].double()
        low = torch.zeros_like(high)
        if problem.bias:  # x − centre = high + low (Knuth)
            part = high[:, :-1]
            taken = part - x
            low[:, :-1] = (x - (part - taken)) + (-centre - taken)
        product = Sliced(high.numpy()).times(back.numpy())
        parts.append(torch.from_numpy(product.high) + (torch.from_numpy(product.low) + low @ back))
    return torch.cat(parts)


def _sliced_error(design: Tensor, back: Tensor) -> Tensor:
    """Bound the error of a product in extended precision, `[r]`, for any row."""
    error = (design.shape[1] + 2) * Sliced.relative_error(tuple(design.shape))
    return error * (design.abs().amax(0) @ back.abs())


NEWTON = "Newton, preconditioned conjugate gradients"


def minimise_whitened(
    problem: Problem,
    space: RowSpace,
    weight: Tensor,
    bias: Tensor,
    done: Callable[[Point, Tensor, Tensor, float], bool],
    tolerance: float = math.inf,
) -> tuple[Tensor, Tensor, int]:
    """Run Newton's method in whitened coordinates, where the features cause no flat or badly scaled directions."""
    if space.examples.shape[1] == 0:  # nothing but zeros
        return *problem.zeros(), 0
    white = replace(problem, x=space.examples, y=problem.targets, bias=False)
    start = space.coordinates(problem, weight, bias)
    v, _, steps = newton.minimise(white, start, torch.zeros_like(bias), done=done, tolerance=tolerance)
    return *space.parameters(problem, v), steps


def covers_all_weights(problem: Problem, space: RowSpace) -> bool:
    """Return whether a bound over the row space holds for all weights, as it does for features with rounding errors."""
    return space.complete or problem.origin is not None


def rank_note(problem: Problem, space: RowSpace) -> str:
    """Return a certificate's note on columns that are linearly dependent up to rounding."""
    if space.complete:
        return ""
    rank = f"(rank {space.back.shape[1]} of {len(space.back)})"
    if problem.origin is not None:
        return f"; columns that depend on others to rounding count as dependent {rank}"
    return f"; columns depend on each other but for rounding {rank}, and of what they differ by nothing is proven"
