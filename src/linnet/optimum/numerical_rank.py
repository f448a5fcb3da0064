"""Numerical rank of features, the columns that depend on each other, and the shortest solution where some do."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import qr, solve_triangular, svd

from linnet.optimum.extended_precision import Array

EPS = float(np.finfo(np.float64).eps)
UNIT_ROUNDOFF = EPS / 2


class NumericalRank(NamedTuple):
    """rank: of the features; lengths: the scaling `[D]` in which it was decided; dependent: columns, see below.

    dependent: the features that take part in a linear dependency (with the bias, if there is one), in order.
    """

    rank: int
    lengths: Array
    dependent: tuple[int, ...]


def numerical_rank(features: Array, given: Array, scaled_condition: float, n_rows: int) -> NumericalRank:
    """Decide the rank, at max(N, D) 2⁻⁵³ σ_max of the columns scaled to unit length.

    The columns are those about their means if there is a bias. Before that subtraction, data of a large offset have
    rounding errors of another size, so that columns are also compared in the length that they had then: a pivot
    counts as zero up to `data_tolerance`.

    Args:
        features: triangular factor of the columns, `[D, D]`, centred if there is a bias.
        given: lengths of the columns before that, `[D]`; 1 for a column of zeros.
        scaled_condition: σ_max/σ_min of the features scaled to unit length; inf where that is not known.
        n_rows: number of rows that the factor stands for.
    """
    n_features = len(features)
    own = np.linalg.norm(features, axis=0)
    own[own == 0] = 1
    if n_features == 0:
        return NumericalRank(0, own, ())
    pivots = np.abs(np.diag(qr(features / given, mode="r", pivoting=True, check_finite=False)[0]))
    by_data = int((pivots > data_tolerance(n_rows, n_features)).sum())
    tolerance = max(n_rows, n_features) * UNIT_ROUNDOFF
    if by_data == n_features and scaled_condition * tolerance < 1:
        return NumericalRank(n_features, own, ())
    singular, right = svd(features / own)[1:]
    by_rounding = int((singular > tolerance * singular[0]).sum())
    rank, lengths = by_rounding, own
    if by_data < by_rounding:
        rank, lengths = by_data, given
        singular, right = svd(features / given)[1:]
    # Rounding turns the null space by about tolerance σ_max/σ_rank (Wedin), so that smaller entries may be zeros.
    angle = 8 * tolerance * singular[0] / singular[rank - 1] if rank else 0.0
    share = np.linalg.norm(right[rank:], axis=0)
    return NumericalRank(rank, lengths, tuple(int(j) for j in np.flatnonzero(share > min(0.1, max(angle, 1e-12)))))


def data_tolerance(n_rows: int, n_features: int) -> float:
    """Largest pivot, of features of unit length, that rounding of the data and of the factorisation may leave.

    Measured on exactly dependent features: up to 6 EPS for random ones, 110 EPS for sorted one-hot columns beside a
    bias, whose rounding errors all go one way. This is at least four times as much, and 2.8e-14 for NIST's Filip
    (82 rows, 11 coefficients), whose smallest pivot is 6e-10 though its condition as given is 2e15.
    """
    return EPS * float(64 + 16 * np.sqrt(n_features + 1) + np.sqrt(n_rows))


def shortest_root(features: Array, rank: int, units: Array) -> tuple[Array, Array]:
    """M `[D, rank]` and Q `[D, rank]`: M Qᵀ b is the shortest W with features (units W) nearest to b.

    From a complete orthogonal decomposition: features = Q [T; 0] Πᵀ up to what the rank neglects, and then
    [T Πᵀ units]ᵀ = Z L Π'ᵀ. The columns of features (units M) are orthonormal.

    Args:
        features: `[D, D]`, columns of about one length.
        rank: of these.
        units: `[D]`, of W in terms of the coefficients of `features`.
    """
    q, triangle, order = qr(features, mode="economic", pivoting=True)
    kept = np.zeros((rank, features.shape[1]))
    kept[:, order] = triangle[:rank]
    z, lower, order = qr((kept * units).T, mode="economic", pivoting=True)
    selection = np.eye(rank)[order]
    return np.asarray(z @ solve_triangular(lower, selection, trans="T")), q[:, :rank]
