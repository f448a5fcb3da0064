"""Iterative refinement of a least squares solution, in passes over the rows."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from linnet.solvers.extended_precision import Array, Extended, Sliced, extended, normalised
from linnet.solvers.least_squares.numerical_rank import EPS
from linnet.solvers.least_squares.qr_solve import Coordinates, TriangularSolution


class Block(NamedTuple):
    """Rows as they enter the objective, float64.

    design: `[n, P]`, its column 0 all ones if there is a bias.
    target: `[n, C]`.
    weight: `[n]`, or None if every row counts once.
    """

    design: Array
    target: Array
    weight: Array | None


class Refined(NamedTuple):
    """coefficients `[P, C]`, their weighted sum of squared residuals `[C]`, and how many corrections they took."""

    coefficients: Array
    residual_squares: Array
    steps: int


def refine(
    solution: TriangularSolution,
    at: Coordinates,
    blocks: Callable[[], Iterable[Block]],
    ridge: float,
    max_steps: int,
) -> Refined:
    """Correct the coefficients until another correction would not change them, or does not help.

    With residual r = y - Xβ and gradient t = XᵀWr - ridge β in extended precision, the correction is RᵀR δ = t. Both
    sides of the error go: what rounding did to β, and what a large residual did through the square of the condition.
    R comes from QR, never from XᵀX, so each step gains about as many digits as the first solution had. Where the rank
    is not full, the shortest such δ keeps β the shortest.

    Source: Björck, Stability analysis of the method of semi-normal equations for linear least squares problems, 1987.

    Args:
        solution: where to start.
        at: coordinates of the solution's triangle.
        blocks: the rows, once per call.
        ridge: penalty on the squares of the weights, on the scale of the sum.
        max_steps: most passes over the rows.
    """
    coefficients, squares, steps = extended(solution.coefficients), solution.residual_squares, 0
    before, squares_before = coefficients, squares
    previous = np.full(squares.shape, np.inf)
    active = np.full(squares.shape, True)  # outputs converge each in its own time
    rate = np.full(squares.shape, min(1.0, 10 * EPS * solution.scaled_condition**2))  # at worst; often without square
    while steps < max_steps and active.any():
        gradient, found = _gradient(coefficients, at.bias, blocks(), ridge)
        half = solution.half_step(moved_gradient(gradient, at))
        moved = solution.step(half)
        length = np.linalg.norm(moved, axis=0)
        worse = active & (length > previous)
        coefficients = Extended(*(np.where(worse, old, new) for old, new in zip(before, coefficients, strict=True)))
        squares = np.where(worse, squares_before, squares)
        active &= length <= previous / 2
        if not active.any():
            break
        before, squares_before = coefficients, squares
        coefficients = coefficients.plus(extended(at.direction(moved * active)))
        squares = np.where(active, np.maximum(found - np.square(half).sum(axis=0), 0), squares)
        rate = np.minimum(rate, length / previous) if steps else rate
        steps += 1
        active &= (rate * at.reach(length) > EPS / 4 * np.abs(coefficients.high)).any(axis=0)
        previous = length
    return Refined(coefficients.high, squares, steps)


def _gradient(coefficients: Extended, bias: bool, blocks: Iterable[Block], ridge: float) -> tuple[Extended, Array]:
    """Compute XᵀWr - ridge β `[P, C]`, and the weighted sum of squared residuals `[C]`."""
    total, squares = extended(np.zeros_like(coefficients.high)), np.zeros(coefficients.high.shape[1])
    for block in blocks:
        part, of_rows = block_gradient(block, coefficients)
        total = total.plus(part)
        squares += of_rows.sum(axis=0)
    return total.minus(penalty_gradient(coefficients, bias, ridge)), squares


def block_gradient(block: Block, coefficients: Extended) -> tuple[Extended, Array]:
    """Compute XᵀWr of a block's rows `[P, C]`, and their weighted squared residuals `[n, C]`."""
    sliced = Sliced(block.design)
    residual = extended(block.target).minus(sliced.times(coefficients.high))
    if coefficients.low.any():
        residual = residual.minus(sliced.times(coefficients.low))
    weighted = residual if block.weight is None else residual.times(block.weight[:, None])
    return sliced.transpose_times(weighted), weighted.high * residual.high


def penalty_gradient(coefficients: Extended, bias: bool, ridge: float) -> Extended:
    """Compute ridge β, 0 for the bias, `[P, C]`."""
    penalty = coefficients.times(np.full_like(coefficients.high, ridge))
    if bias:
        penalty.high[0], penalty.low[0] = 0, 0
    return penalty


def moved_gradient(gradient: Extended, at: Coordinates) -> Array:
    """Convert the gradient to the coordinates of the triangle: (t - shift t₀) scale."""
    if not at.bias:
        return gradient.high * at.scale[:, None]
    at_bias = Extended(gradient.high[:1], gradient.low[:1]).times(at.shift[:, None])
    high, low = gradient.minus(at_bias)
    return normalised(high, low).high * at.scale[:, None]
