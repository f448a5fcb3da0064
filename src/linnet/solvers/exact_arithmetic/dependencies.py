"""Decide whether columns are linearly dependent exactly, not only up to rounding."""

import hashlib
import math

import numpy as np
from scipy.linalg import qr
from torch import Tensor

from linnet.solvers.exact_arithmetic.integer_margins import Array, WholeBasis, WholeRows
from linnet.solvers.exact_arithmetic.separation import EXACT_UNKNOWNS, LARGEST_EXACT
from linnet.solvers.problem import Problem

ROWS = 4096
"""Rows that are checked at a time, so that a dependency that does not hold is found early."""


def depend_exactly(problem: Problem, rank: int) -> bool:
    """Return whether the features and the ones for the bias have exactly this rank, proven; False: not proven.

    Args:
        rank: numerical rank, a lower bound of the exact one.
    """
    x = problem.x
    columns: dict[bytes, int] = {}  # the first of each content
    for j in range(problem.n_features):
        column = x[:, j]
        constant = bool((column == column[0]).all())
        if not (constant and (problem.bias or float(column[0]) == 0)):
            columns.setdefault(_content(column), j)
    kept = list(columns.values())
    n_columns = len(kept) + problem.bias
    if n_columns <= rank:
        return True
    if n_columns > EXACT_UNKNOWNS or problem.n_examples * n_columns > LARGEST_EXACT:
        return False
    design = x[:, kept].double().numpy()
    return _has_rank(np.hstack([design, np.ones((len(design), int(problem.bias)))]), rank)


def _content(column: Tensor) -> bytes:
    return hashlib.sha256((column.double() + 0.0).numpy().tobytes()).digest()  # −0 + 0 = 0


def _has_rank(design: Array, rank: int) -> bool:
    """Return whether all integer rows `[N, P]` lie in the span of `rank` of them."""
    rows = WholeRows(design)
    length = np.linalg.norm(rows.unit, axis=0)
    independent = qr((rows.unit / length).T, mode="r", pivoting=True)[1][:rank]
    basis = WholeBasis(np.full(design.shape[1], 0, dtype=object))
    for i in independent.tolist():
        basis.extend(i, rows.whole[i])
    # A coordinate along a unit vector that is left in the basis is 0 for all rows in the span of the others.
    normals = [basis.table[place, :-1] for place, column in enumerate(basis.columns) if column < 0]
    normals = [np.asarray(normal // math.gcd(*normal.tolist()), dtype=object) for normal in normals]
    if len(normals) > design.shape[1] - rank:
        return False
    return not any(
        (rows.whole[start : start + ROWS] @ normal).any() for start in range(0, len(design), ROWS) for normal in normals
    )
