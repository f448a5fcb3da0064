"""Linear least squares and ridge regression, solved exactly; squared error with a penalty on squares, or none."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from linnet.solvers.convex_losses import Quadratic
from linnet.solvers.extended_precision import Array
from linnet.solvers.least_squares.bound import sum_of_squares
from linnet.solvers.least_squares.numerical_rank import UNIT_ROUNDOFF
from linnet.solvers.least_squares.qr_factor import Triangle, single_threaded
from linnet.solvers.least_squares.qr_solve import solve
from linnet.solvers.least_squares.refinement import Block, refine
from linnet.solvers.least_squares.rows import Rows, Summary, as_columns, blocks_of, check_shapes, moved_rows
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import Problem

PROOF = "squared error: gradient in extended precision, projected onto the columns"
MAX_STEPS = 5
"""Most corrections of a solution; two are the rule, and a hopeless system stops by itself."""


@dataclass(frozen=True)
class LeastSquares:
    """The minimum of the objective, with its rank, condition and bound.

    weight: `[C, D]`, float64. If many are best, the one of least ‖W‖, to which ridge tends as l2 goes to 0.
    bias: `[C]`, or None.
    objective: mean of ½ squared error, summed over outputs, plus l2/2 ‖W‖².
    bound: proven, rounding included: the objective exceeds its infimum by no more. Where columns depend on each other
        but for rounding, what differs between them is taken for none.
    n_rows: examples of positive weight.
    total_weight: sum of the weights; the number of rows if there are none.
    l2: strength of the penalty.
    rank: numerical rank of the system, that is of √w [1 x], with a row √(Σw l2) per weight if l2 > 0.
    n_coefficients: coefficients per output, the rank to reach: D, and one for the bias.
    dependent: features that others (and the bias) determine, each in turn, to the precision of float64.
    condition: 2-norm condition number of this system as given, inf if the rank is not full. It changes with units.
    scaled_condition: the same after centring (if there is a bias) and scaling every feature to unit length: how
        nearly the features depend on each other. It governs the accuracy.
    residual_squares: weighted sum of squared residuals per output, `[C]`, without ½.
    total_squares: weighted sum of squares of y, about the mean if there is a bias, `[C]`.
    inverse: G `[n_coefficients, n_coefficients]`, bias first, upper triangular of positive diagonal, with
        (XᵀWX)⁻¹ = G Gᵀ (of the system, so with the penalty's rows); None if the rank is not full.
    steps: corrections with residuals in extended precision.
    """

    weight: Array
    bias: Array | None
    objective: float
    bound: float
    n_rows: int
    total_weight: float
    l2: float
    rank: int
    n_coefficients: int
    dependent: tuple[int, ...]
    condition: float
    scaled_condition: float
    residual_squares: Array
    total_squares: Array
    inverse: Array | None
    steps: int

    @property
    def unique(self) -> bool:
        """Whether the coefficients are unique, to the precision of float64."""
        return self.rank == self.n_coefficients

    @property
    def method(self) -> str:
        """Name of the method, for a report."""
        name = "QR of row blocks" if self.unique else "QR of row blocks, complete orthogonal decomposition"
        return f"{name}, {self.steps} refinement steps" if self.steps else name


def least_squares(
    x: Rows,
    y: Rows,
    *,
    bias: bool = True,
    l2: float = 0.0,
    sample_weight: Rows | None = None,
    origin: Array | None = None,
) -> LeastSquares:
    """Minimise 1/Σw Σ_i w_i ½‖y_i - W x_i - b‖² + l2/2 ‖W‖²: linnet's objective of squared error and L2 penalty.

    Householder QR of the rows in blocks (a column of ones for the bias, rows √(Σw l2) for the penalty), then iterative
    refinement with residuals in twice the working precision. Coefficients come out to nearly all digits of float64 as
    long as scaled_condition is below about 1e13. XᵀX is never formed.

    Args:
        x: features `[N, D]`, an array or tensor of real numbers; computed in float64.
        y: targets `[N, C]`; `[N]` counts as one column, C = 1.
        bias: whether there is one; it is never penalised.
        l2: strength of the penalty in [0, inf).
        sample_weight: `[N]` in [0, inf), None for ones. An integer weight is as good as that many copies of the row.
        origin: what was subtracted from the features before, `[D]`, in their present units; None for 0. Rounding errors
            of the data are of that size, which matters for the rank.

    Raises:
        ValueError: shapes that do not fit, NaN or infinite numbers, no rows (of positive weight), nothing to fit,
            a negative weight or l2, or numbers so large that their squares overflow.
    """
    if not 0 <= l2 < float("inf"):
        raise ValueError(f"l2 is {l2}: expected a number in [0, inf)")
    y = as_columns(y)
    check_shapes(x, y, sample_weight)
    if x.shape[1] == 0 and not bias:
        raise ValueError("x is [N, 0] and there is no bias: at least one coefficient is needed")

    def blocks() -> Iterable[Block]:
        return blocks_of(x, y, sample_weight, bias=bias)

    summary = Summary(x.shape[1] + bias, y.shape[1])
    for block in blocks():
        summary.add(block)
    if summary.n_rows == 0:
        raise ValueError("no rows, or none of positive weight: at least one is needed")
    at = summary.coordinates(bias=bias)
    triangle = Triangle(x.shape[1] + bias + y.shape[1])
    for block in blocks():
        triangle.add(moved_rows(block, at))
    n_coefficients, first = len(at.scale), int(at.bias)
    ridge = summary.total_weight * l2
    with np.errstate(over="ignore", invalid="ignore"):
        with single_threaded():
            solution = solve(triangle.factor(), at, ridge, summary.n_rows, origin)
        refined = refine(solution, at, blocks, ridge, MAX_STEPS)
        weight = np.ascontiguousarray(refined.coefficients[first:].T)
        loss = float(refined.residual_squares.sum()) / (2 * summary.total_weight)
        objective = loss + (l2 / 2 * float(np.square(weight).sum()) if l2 else 0.0)
    if not np.isfinite(objective) or not np.isfinite(refined.coefficients).all():
        raise ValueError("the squares of x or y overflow float64: rescale the data")
    squares, excess = sum_of_squares(solution, refined.coefficients, at, blocks(), ridge)
    objective = math.fsum(squares) / (2 * summary.total_weight)
    bound = math.fsum(excess) / (2 * summary.total_weight) + 16 * UNIT_ROUNDOFF * objective
    return LeastSquares(
        weight=weight,
        bias=refined.coefficients[0].copy() if at.bias else None,
        objective=objective,
        bound=min(bound, objective * (1 + 32 * UNIT_ROUNDOFF)),  # no sum of squares is negative
        n_rows=summary.n_rows,
        total_weight=summary.total_weight,
        l2=l2,
        rank=solution.rank,
        n_coefficients=n_coefficients,
        dependent=solution.dependent,
        condition=solution.condition,
        scaled_condition=solution.scaled_condition,
        residual_squares=refined.residual_squares,
        total_squares=solution.total_squares,
        inverse=solution.inverse,
        steps=refined.steps,
    )


def solve_quadratic(problem: Problem) -> Optimum:
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
    return Optimum(
        torch.from_numpy(exact.weight),
        problem.zeros()[1] if exact.bias is None else torch.from_numpy(exact.bias),
        convex_loss.scale * exact.objective + constant,
        bound,
        words,
        exact.unique,
        exact.method,
        1,
    )
