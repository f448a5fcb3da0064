"""Solve least squares from its QR factor: rank, condition, and the minimum-norm weight if many are optimal."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from linnet.solvers.extended_precision import Array, Sliced, extended
from linnet.solvers.least_squares.numerical_rank import numerical_rank, shortest_root
from linnet.solvers.least_squares.qr_factor import triangularised


@dataclass(frozen=True)
class Coordinates:
    """Affine change of coordinates in which the system is factorised, without loss of significant digits.

    Column j of the design enters as (x_j - shift_j) scale_j, the target as y - target_shift. Subtracting any number
    close to a column's mean is nearly exact (its error is relative to the difference), and spares a year or a
    timestamp the digits that the elimination of the column of ones would cost. Scales are powers of two: exact.

    bias: whether column 0 of the design is the bias' column of ones; its shift is 0 and its scale 1.
    shift, scale: `[P]`, for P coefficients; without a bias the shifts are 0.
    target_shift: `[C]`.
    """

    bias: bool
    shift: Array
    scale: Array
    target_shift: Array

    def direction(self, moved: Array) -> Array:
        """Convert a change of the coefficients `[P, m]` to the units of the data."""
        change = moved * self.scale[:, None]
        if self.bias:
            change[0] -= self.shift @ change
        return change

    def reach(self, length: Array) -> Array:
        """Bound the change of each coefficient, `[P, C]`, by a change of `length [C]` of the moved coefficients."""
        reach = self.scale[:, None] * length
        if self.bias:
            reach[0] += np.abs(self.shift) @ reach
        return reach

    def coefficients(self, moved: Array) -> Array:
        """Convert coefficients `[P, C]` of the moved system to the units of the data; the bias loses no digits."""
        solution = moved * self.scale[:, None]
        if self.bias:
            offset = Sliced(self.shift[None]).times(solution)
            solution[:1] = extended(solution[:1]).plus(extended(self.target_shift[None])).minus(offset).high
        return solution


@dataclass(frozen=True)
class TriangularSolution:
    """Coefficients, with rank and condition of the QR factor.

    coefficients: `[P, C]`, in the units of the data.
    moved: the same of the moved system.
    factor: R of the moved system with its penalty, `[P, P]`; None if the rank is below P.
    root: M `[P, rank]`: the moved system times M has orthonormal columns, and M Mᵀ times a gradient is the shortest
        step to the minimum.
    lengths: of the columns of the moved system with its penalty, `[P]`.
    dependent: indices of the features that depend on each other; none if the rank is P.
    inverse: G `[P, P]`, upper triangular of positive diagonal, with (XᵀWX + penalty)⁻¹ = G Gᵀ in the units of the data;
        None if the rank is below P.
    rank: numerical rank, at most P.
    condition: 2-norm condition number of the system as given; inf if the rank is below P.
    scaled_condition: the same with features centred (if there is a bias) and scaled to unit length.
    residual_squares: weighted sum of squared residuals `[C]`.
    total_squares: weighted sum of squares of the target, about its mean if there is a bias `[C]`.
    """

    coefficients: Array
    moved: Array
    factor: Array | None
    root: Array
    lengths: Array
    dependent: tuple[int, ...]
    inverse: Array | None
    rank: int
    condition: float
    scaled_condition: float
    residual_squares: Array
    total_squares: Array

    def half_step(self, gradient: Array) -> Array:
        """Multiply a gradient of this system `[P, C]` by Mᵀ: `[rank, C]`, with the norm of the prediction change."""
        if self.factor is None:
            return np.asarray(self.root.T @ gradient)
        return np.asarray(solve_triangular(self.factor, gradient, trans="T"))

    def step(self, half: Array) -> Array:
        """Multiply a half step by M: a change of the moved coefficients `[P, C]`."""
        return np.asarray(self.root @ half if self.factor is None else solve_triangular(self.factor, half))


def solve(
    triangle: Array, at: Coordinates, ridge: float, n_rows: int, origin: Array | None = None
) -> TriangularSolution:
    """Minimise the sum of squares that a triangle stands for, plus ridge ‖W‖².

    The rank is that of `numerical_rank`. Where features depend on each other the solution is the one of least ‖W‖, the
    limit of ridge ↓ 0.

    Args:
        triangle: R `[at most P + C, P + C]` of the weighted rows [design, target], moved to coordinates `at`.
        at: where the triangle was made.
        ridge: penalty on the squares of the weights, on the scale of the sum.
        n_rows: how many rows the triangle holds, for the rounding errors to expect.
        origin: what was subtracted from the features before, `[D]`; None for 0. It counts if there is a bias.
    """
    n_coefficients, first = len(at.scale), int(at.bias)
    padded = np.zeros((max(len(triangle), n_coefficients), triangle.shape[1]))
    padded[: len(triangle)] = triangle
    data, target = padded[:n_coefficients, :n_coefficients], padded[:n_coefficients, n_coefficients:]
    unexplained = np.square(padded[n_coefficients:]).sum(axis=0)[n_coefficients:]

    factor, right = _with_ridge(data, target, first, np.sqrt(ridge) * at.scale[first:])
    given = factor.copy()  # before centring, but for scale
    if at.bias:
        given[0] += factor[0, 0] * at.shift * at.scale
    read = given[:, first:].copy()
    if at.bias and origin is not None:
        read[0] += factor[0, 0] * origin * at.scale[first:]
    lengths = np.linalg.norm(read, axis=0)
    lengths[lengths == 0] = 1
    features = factor[first:, first:]
    condition = scaled_condition = float("inf")
    inverse = None
    centred = np.linalg.norm(features, axis=0)
    if np.diag(factor).all():
        root = solve_triangular(factor, np.eye(n_coefficients))
        if np.isfinite(root).all():
            scaled_condition = _norm(features / centred) * _norm(root[first:, first:] * centred[:, None])
    found = numerical_rank(features, lengths, scaled_condition, n_rows)
    rank = first + found.rank
    if rank == n_coefficients:
        moved = solve_triangular(factor, right)
        inverse = at.direction(root * np.sign(np.diag(root)))  # unique: a Cholesky factor
        condition = _norm(given / at.scale) * _norm(inverse)
    else:
        scaled_condition = float("inf")
        root = np.zeros((n_coefficients, rank))
        assert found.left is not None
        root[first:, first:] = shortest_root(found, found.lengths / at.scale[first:]) / at.scale[first:, None]
        root[first:][centred == 0] = 0  # exactly
        projected = found.left[:, : found.rank].T @ right[first:]
        if first:  # the bias of least squares, for these weights
            root[0] = -factor[0] @ root / factor[0, 0]
            root[0, 0] = 1 / factor[0, 0]
            projected = np.vstack([right[:1], projected])
        moved = root @ projected
    return TriangularSolution(
        coefficients=at.coefficients(moved),
        moved=moved,
        root=root,
        lengths=np.linalg.norm(factor, axis=0),
        dependent=found.dependent,
        factor=factor if rank == n_coefficients else None,
        inverse=inverse,
        rank=rank,
        condition=condition,
        scaled_condition=scaled_condition,
        residual_squares=np.square(data @ moved - target).sum(axis=0) + unexplained,
        total_squares=np.square(target[first:]).sum(axis=0) + unexplained,
    )


def _with_ridge(data: Array, target: Array, first: int, diagonal: Array) -> tuple[Array, Array]:
    """Add one ridge row per weight to the triangle `[P, P]` and right-hand side `[P, C]`; the bias has none."""
    if not diagonal.any():
        return data, target
    n_features = len(diagonal)
    above = np.hstack([data[first:, first:], target[first:]])
    below = np.hstack([np.diag(diagonal), np.zeros((n_features, target.shape[1]))])
    penalised = triangularised(np.vstack([above, below]))
    factor, right = data.copy(), target.copy()
    factor[first:, first:] = penalised[:n_features, :n_features]
    right[first:] = penalised[:n_features, n_features:]
    return factor, right


def _norm(matrix: Array) -> float:
    """Compute the 2-norm from the largest eigenvalue of the Gram matrix, which is accurate there."""
    largest = np.abs(matrix).max(initial=0)
    if largest == 0:
        return 1.0
    small = matrix / largest
    return float(largest * np.sqrt(np.linalg.eigvalsh(small.T @ small)[-1]))
