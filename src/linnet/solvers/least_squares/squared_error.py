"""Squared error with a penalty on squares, or none: linear least squares."""

import torch

from linnet.solvers.convex_losses import Quadratic
from linnet.solvers.least_squares.least_squares import least_squares
from linnet.solvers.problem import Problem
from linnet.solvers.rounding import UNIT_ROUNDOFF
from linnet.solvers.solution import Solution

PROOF = "squared error: gradient in extended precision, projected onto the columns"


def solve_quadratic(problem: Problem) -> Solution:
    """Minimise F of squared error without an l1 part in the penalty; where many are best, take the shortest W."""
    convex_loss = problem.convex_loss
    assert isinstance(convex_loss, Quadratic)
    exact = least_squares(
        problem.x, problem.y, bias=problem.bias, l2=problem.l2 / convex_loss.scale, sample_weight=problem.weight,
        origin=None if problem.origin is None else problem.origin.numpy(),
    )  # fmt: skip
    constant = convex_loss.constant * problem.n_outputs
    words = PROOF
    if not exact.unique:
        words += (
            f"; columns that depend on others to rounding count as dependent (rank {exact.rank} of "
            f"{exact.n_coefficients}), and of the many best weights these are the shortest, in the units trained on"
        )
    # Weights were divided by their mean and the penalty by the scale; each division rounds.
    bound = convex_loss.scale * exact.bound + 16 * UNIT_ROUNDOFF * (convex_loss.scale * exact.objective + abs(constant))
    return Solution(
        torch.from_numpy(exact.weight),
        problem.zeros()[1] if exact.bias is None else torch.from_numpy(exact.bias),
        convex_loss.scale * exact.objective + constant,
        bound,
        words,
        exact.unique,
        exact.method,
        1,
    )
