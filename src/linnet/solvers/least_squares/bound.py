"""Proven suboptimality bound of a least squares solution, rounding included.

For A the weighted rows [1 x] (with a row √ridge per weight) and r the residuals of a solution, the sum of squares
exceeds its infimum by ‖P r‖², P projecting onto the range of A. With any M for which Q = A M has independent columns
that span this range, ‖P r‖ ≤ ‖Mᵀ Aᵀr‖ / σ_min(Q). The gradient Aᵀr is summed in extended precision, and σ_min(Q)
bounded from QᵀQ, the identity but for rounding: neither the quality of M nor the condition of A is taken on trust.
"""

import math
from collections.abc import Iterable

import numpy as np

from linnet.solvers.extended_precision import Array, Sliced, extended
from linnet.solvers.least_squares.numerical_rank import UNIT_ROUNDOFF
from linnet.solvers.least_squares.qr_solve import Coordinates, TriangularSolution
from linnet.solvers.least_squares.refinement import Block, block_gradient, moved_gradient, penalty_gradient
from linnet.solvers.least_squares.rows import moved_rows


def sum_of_squares(
    solution: TriangularSolution, coefficients: Array, at: Coordinates, blocks: Iterable[Block], ridge: float
) -> tuple[Array, Array]:
    """Return weighted sums of squared residuals plus ridge ‖W‖² `[C]`, and bounds of their excess over the infimum.

    Where the rank is not full, that is over all changes of the predictions within the range of Q. If columns depend on
    each other exactly, these are all that there are; if but for rounding, the others are taken for none.

    Args:
        solution: of the system, whose M is used.
        coefficients: `[P, C]`, float64, taken as they are.
        at: coordinates of the solution.
        blocks: the rows, once.
        ridge: penalty on the squares of the weights, on the scale of the sum.

    Returns:
        both; the second is inf where M proves nothing.
    """
    (n_coefficients, n_outputs), first, root = coefficients.shape, int(at.bias), solution.root
    exact = extended(coefficients)
    gradient, squares = extended(np.zeros_like(coefficients)), []
    gram = np.zeros((solution.rank, solution.rank))
    n_rows, error, total_weight, heaviest, largest = 0, 0.0, 0.0, 0.0, 0.0
    size, largest_target = np.zeros(n_coefficients), np.zeros(n_outputs)
    for block in blocks:
        part, of_rows = block_gradient(block, exact)
        gradient = gradient.plus(part)
        squares.append(_sums(of_rows))
        q = moved_rows(block, at)[:, :n_coefficients] @ root
        gram += q.T @ q
        weight = np.ones(len(q)) if block.weight is None else block.weight
        n_rows, total_weight, heaviest = n_rows + len(q), total_weight + weight.sum(), max(heaviest, weight.max())
        largest = max(largest, float(np.sqrt(weight[:, None] * of_rows).max()))  # w|r|
        size = np.maximum(size, np.abs(block.design).max(axis=0))
        largest_target = np.maximum(largest_target, np.abs(block.target).max(axis=0))
        error = max(error, Sliced.relative_error(block.design.shape))
    if ridge:
        squares.append(_sums(ridge * np.square(coefficients[first:])))
    penalised = np.sqrt(ridge) * at.scale[first:, None] * root[first:]
    gram += penalised.T @ penalised
    sums = _sums(np.array(squares))

    # What extended precision leaves: of each residual, and of the gradient in the coordinates of M.
    residual_error = error * (n_coefficients + 2) * (size @ np.abs(coefficients) + largest_target)
    moved_size = (size + np.abs(at.shift)) * at.scale
    gradient_error = n_rows * moved_size[:, None] * (error * largest + heaviest * residual_error)

    rounding = (n_coefficients + 8) * UNIT_ROUNDOFF
    moved = moved_gradient(gradient.minus(penalty_gradient(exact, at.bias, ridge)), at)
    half = np.linalg.norm(root.T @ moved, axis=0)
    half += np.linalg.norm(np.abs(root).T @ (gradient_error + rounding * np.abs(moved)), axis=0)
    smallest = _smallest_singular_value(gram, n_rows) - rounding * float(
        np.linalg.norm(solution.lengths @ np.abs(root))
    )
    if not smallest > 0.1:
        return sums, np.full(n_outputs, np.inf)
    evaluation = 16 * UNIT_ROUNDOFF * sums + residual_error * (
        2 * np.sqrt(sums * total_weight) + total_weight * residual_error
    )
    return sums, np.square(half / smallest) * (1 + 1e-12) + evaluation


def _sums(numbers: Array) -> Array:
    """Sum each column, rounded once."""
    return np.array([math.fsum(column) for column in numbers.T.tolist()])


def _smallest_singular_value(gram: Array, n_rows: int) -> float:
    """Return a lower bound of the smallest singular value of Q, from QᵀQ summed in float64."""
    if not len(gram):
        return 1.0
    slack = 2 * (n_rows + len(gram) + 8) * UNIT_ROUNDOFF * float(np.trace(gram))
    return math.sqrt(max(float(np.linalg.eigvalsh(gram)[0]) - slack, 0.0))
