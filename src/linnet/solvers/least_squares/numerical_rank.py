"""Numerical rank of features, dependent columns, and the minimum-norm solution if there are any."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import qr, solve_triangular, svd

from linnet.solvers.extended_precision import Array

EPS = float(np.finfo(np.float64).eps)
UNIT_ROUNDOFF = EPS / 2


class NumericalRank(NamedTuple):
    """Rank and related numbers from the singular values of the features.

    rank: of the features.
    dependent: the features that take part in a linear dependency (with the bias, if there is one), in order.
    lengths: the scaling `[D]` in which the rank was decided.
    features: as they were given.
    left, singular, right: U `[D, D]`, σ `[D]` and Vᵀ `[D, D]` of features / lengths. All None if the rank is full.
    """

    rank: int
    dependent: tuple[int, ...]
    lengths: Array
    features: Array | None = None
    left: Array | None = None
    singular: Array | None = None
    right: Array | None = None


def numerical_rank(features: Array, given: Array, scaled_condition: float, n_rows: int) -> NumericalRank:
    """Decide the rank, at max(N, D) 2⁻⁵³ σ_max of the columns scaled to unit length.

    The columns are those about their means if there is a bias. The rounding errors of data of a large offset are of the
    size of that offset, so that columns are also compared in the length that they had before the subtraction: a pivot
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
        return NumericalRank(0, (), own)
    pivots = np.abs(np.diag(qr(features / given, mode="r", pivoting=True, check_finite=False)[0]))
    by_data = int((pivots > data_tolerance(n_features)).sum())
    tolerance = max(n_rows, n_features) * UNIT_ROUNDOFF
    if by_data == n_features and scaled_condition * tolerance < 1:
        return NumericalRank(n_features, (), own)
    left, singular, right = svd(features / own)
    rank, lengths = int((singular > tolerance * singular[0]).sum()), own
    if by_data < rank:
        rank, lengths = by_data, given
        left, singular, right = svd(features / given)
    # Rounding turns the null space by about tolerance σ_max/σ_rank (Wedin), so that smaller entries may be zeros.
    angle = 8 * tolerance * singular[0] / singular[rank - 1] if rank else 0.0
    share = np.linalg.norm(right[rank:], axis=0)
    dependent = tuple(int(j) for j in np.flatnonzero(share > min(0.1, max(angle, 1e-12))))
    return NumericalRank(rank, dependent, lengths, features, left, singular, right)


def data_tolerance(n_features: int) -> float:
    """Largest pivot, of features of unit length as they were read, that the rounding of computed columns may leave.

    A number has an error of half an EPS when it is read, and a column that is computed from others, as degrees
    Fahrenheit from degrees Celsius, one of a few EPS more.
    """
    return 8 * EPS * float(np.sqrt(n_features))


def shortest_root(found: NumericalRank, units: Array) -> Array:
    """M `[D, rank]`: the shortest W whose (features / lengths) (units W) is nearest to b is M Uᵀb, U of `found`.

    Of all solutions w = V₁ σ⁻¹ Uᵀb + V₂ t it is the one of least ‖w / units‖. Whatever rounding does to t, w stays a
    solution; with rows sorted by size and columns pivoted, t is right for units of any size (Cox and Higham, Stability
    of Householder QR factorization for weighted least squares problems, 1998).

    Args:
        found: of less than full rank.
        units: `[D]`, of w in terms of W.
    """
    assert found.features is not None and found.singular is not None and found.right is not None
    some = found.right[: found.rank].T / found.singular[: found.rank]
    # The null space from the columns that it involves alone: the others would only add their rounding errors.
    columns, nullity = list(found.dependent), len(units) - found.rank
    null = np.zeros((len(units), nullity))
    null[columns] = svd(found.features[:, columns] / found.lengths[columns])[2][-nullity:].T
    size = np.maximum(units.min() / units, 1e-150)
    order = np.argsort(-size)
    q, triangle, pivots = qr((size[:, None] * null)[order], mode="economic", pivoting=True)
    t = np.zeros((null.shape[1], found.rank))
    t[pivots] = solve_triangular(triangle, q.T @ (size[:, None] * some)[order])
    return np.asarray((some - null @ t) / units[:, None])
