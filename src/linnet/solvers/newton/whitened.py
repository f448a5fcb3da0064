"""Newton's method in whitened coordinates, and the range of weights that a bound over them covers."""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from linnet.solvers.newton import newton
from linnet.solvers.newton.newton import Point
from linnet.solvers.problem import Problem
from linnet.solvers.row_space import RowSpace

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
