"""The solution of least squares from its triangle: rank, condition, and the shortest weight where many are best."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh, qr, solve_triangular

from linnet.optimum.extended_precision import Array, Sliced, extended
from linnet.optimum.triangle import triangularised

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Coordinates:
    """The affine change of coordinates in which the system is factorised; it touches no digit that matters.

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
        """A change of the coefficients `[P, m]`, back in the units of the data."""
        change = moved * self.scale[:, None]
        if self.bias:
            change[0] -= self.shift @ change
        return change

    def reach(self, length: Array) -> Array:
        """How far each coefficient can move, `[P, C]`, by a change of the moved coefficients of `length [C]`."""
        reach = self.scale[:, None] * length
        if self.bias:
            reach[0] += np.abs(self.shift) @ reach
        return reach

    def coefficients(self, moved: Array) -> Array:
        """Coefficients `[P, C]` of the moved system, back in the units of the data; the bias loses no digits."""
        solution = moved * self.scale[:, None]
        if self.bias:
            offset = Sliced(self.shift[None]).times(solution)
            solution[:1] = extended(solution[:1]).plus(extended(self.target_shift[None])).minus(offset).high
        return solution


@dataclass(frozen=True)
class TriangularSolution:
    """Coefficients and what the triangle tells about them.

    coefficients: `[P, C]`, in the units of the data.
    factor: R of the moved system with its penalty, `[P, P]`; None if the rank is below P.
    inverse: G `[P, P]`, upper triangular of positive diagonal, with (XᵀWX + penalty)⁻¹ = G Gᵀ in the units of the data;
        None if the rank is below P.
    rank: numerical rank, at most P.
    condition: 2-norm condition number of the system as given; inf if the rank is below P.
    scaled_condition: the same with features centred (if there is a bias) and scaled to unit length.
    residual_squares: weighted sum of squared residuals `[C]`.
    total_squares: weighted sum of squares of the target, about its mean if there is a bias `[C]`.
    """

    coefficients: Array
    factor: Array | None
    inverse: Array | None
    rank: int
    condition: float
    scaled_condition: float
    residual_squares: Array
    total_squares: Array


def solve(triangle: Array, at: Coordinates, ridge: float, n_rows: int) -> TriangularSolution:
    """Minimise the sum of squares that a triangle stands for, plus ridge ‖W‖².

    The rank is judged by pivoted QR of the features, each scaled to unit length as given (before centring): a pivot
    counts as zero up to `rank_tolerance`, a few rounding errors of the data. It is relative to the data and not to
    the largest singular value, and so does not mistake a polynomial's widely differing units for dependence. Where
    features depend on each other the solution is the one of least ‖W‖, the limit of ridge ↓ 0.

    Args:
        triangle: R `[at most P + C, P + C]` of the weighted rows [design, target], moved to coordinates `at`.
        at: where the triangle was made.
        ridge: penalty on the squares of the weights, on the scale of the sum.
        n_rows: how many rows the triangle holds, for the rounding errors to expect.
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
    lengths = np.linalg.norm(given[:, first:], axis=0)
    lengths[lengths == 0] = 1
    features = factor[first:, first:] / lengths
    pivots = np.abs(np.diag(qr(features, mode="r", pivoting=True, check_finite=False)[0])) if features.size else lengths
    rank = first + int((pivots > rank_tolerance(n_rows, n_coefficients)).sum())

    condition = scaled_condition = float("inf")
    inverse = None
    if rank == n_coefficients:
        moved = solve_triangular(factor, right)
        moved_inverse = solve_triangular(factor, np.eye(n_coefficients))
        inverse = at.direction(moved_inverse * np.sign(np.diag(moved_inverse)))  # unique: a Cholesky factor
        condition = _norm(given / at.scale) * _norm(inverse)
        centred = np.linalg.norm(factor[first:, first:], axis=0)
        scaled_condition = _norm(factor[first:, first:] / centred) * _norm(
            moved_inverse[first:, first:] * centred[:, None]
        )
    else:
        moved = np.zeros_like(right)
        units = lengths / at.scale[first:]
        moved[first:] = _shortest(features, right[first:], rank - first, units) / at.scale[first:, None]
        moved[:first] = (right[:first] - factor[:first, first:] @ moved[first:]) / factor[0, 0] if first else 0.0
    return TriangularSolution(
        coefficients=at.coefficients(moved),
        factor=factor if rank == n_coefficients else None,
        inverse=inverse,
        rank=rank,
        condition=condition,
        scaled_condition=scaled_condition,
        residual_squares=np.square(data @ moved - target).sum(axis=0) + unexplained,
        total_squares=np.square(target[first:]).sum(axis=0) + unexplained,
    )


def rank_tolerance(n_rows: int, n_coefficients: int) -> float:
    """Largest pivot, of features of unit length, that rounding of the data and of the factorisation may leave.

    Measured on exactly dependent features: up to 6 EPS for random ones, 110 EPS for sorted one-hot columns beside a
    bias, whose rounding errors all go one way. This is at least four times as much, and 2.8e-14 for NIST's Filip
    (82 rows, 11 coefficients), whose smallest pivot is 6e-10 though its condition as given is 2e15.
    """
    return EPS * float(64 + 16 * np.sqrt(n_coefficients) + np.sqrt(n_rows))


def _with_ridge(data: Array, target: Array, first: int, diagonal: Array) -> tuple[Array, Array]:
    """The triangle `[P, P]` and right-hand side `[P, C]` with one row more per weight; the bias has none."""
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


def _shortest(features: Array, right: Array, rank: int, units: Array) -> Array:
    """The shortest W with features (units W) nearest to `right`, from a complete orthogonal decomposition.

    features = Q [T; 0] Πᵀ up to what the rank neglects, and then [T Πᵀ units]ᵀ = Z L: W = Z L⁻ᵀ Q₁ᵀ right.
    """
    q, triangle, order = qr(features, mode="economic", pivoting=True)
    kept = np.zeros((rank, features.shape[1]))
    kept[:, order] = triangle[:rank]
    z, lower, order = qr((kept * units).T, mode="economic", pivoting=True)
    solution = z @ solve_triangular(lower, (q[:, :rank].T @ right)[order], trans="T")
    return np.asarray(solution)


def _norm(matrix: Array) -> float:
    """2-norm, from the largest eigenvalue of the product with its transpose, which loses nothing at that end."""
    largest = np.abs(matrix).max(initial=0)
    if largest == 0:
        return 1.0
    small = matrix / largest
    top = len(matrix) - 1
    return float(largest * np.sqrt(eigh(small.T @ small, eigvals_only=True, subset_by_index=[top, top])[0]))
