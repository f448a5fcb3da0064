"""Least squares in rational arithmetic, and matrices that are hard for it in any other."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linnet.solvers.least_squares.least_squares import LeastSquares

Array = NDArray[np.float64]


def exact(
    design: Array, y: Array, weight: Array | None = None, ridge: Fraction | int = 0, first: int = 0
) -> list[Fraction]:
    """The coefficients in rational arithmetic, from the normal equations, which are exact there."""
    rows = [[Fraction(float(number)) for number in (*row, target)] for row, target in zip(design, y, strict=True)]
    weights = [Fraction(1)] * len(rows) if weight is None else [Fraction(float(w)) for w in weight]
    size = design.shape[1]
    table = [
        [sum(w * r[i] * r[j] for w, r in zip(weights, rows, strict=True)) for j in range(size + 1)] for i in range(size)
    ]
    for i in range(first, size):
        table[i][i] += ridge
    for i in range(size):
        for k in range(size):
            if k != i:
                factor = table[k][i] / table[i][i]
                table[k] = [a - factor * b for a, b in zip(table[k], table[i], strict=True)]
    return [table[i][size] / table[i][i] for i in range(size)]


def digits(computed: Array, certified: list[Fraction]) -> float:
    """Correct significant digits of the worst coefficient, at most 16."""
    errors = [abs(Fraction(float(c)) - e) / abs(e) for c, e in zip(computed, certified, strict=True)]
    return float(-np.log10(max(1e-16, *(float(error) for error in errors))))


def coefficients(fit: LeastSquares) -> Array:
    """`[P]` of the first output, the bias first."""
    return fit.weight[0] if fit.bias is None else np.append(fit.bias[:1], fit.weight[0])


def powers(x: Array, degree: int) -> Array:
    return np.stack([x**k for k in range(1, degree + 1)], axis=1)


def singular(condition: float, n_rows: int = 40, n_features: int = 6) -> Array:
    """Random features with the given condition number, spread over all columns."""
    rng = np.random.default_rng(1)
    left = np.linalg.qr(rng.standard_normal((n_rows, n_features)))[0]
    right = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    return np.asarray((left * np.geomspace(1, 1 / condition, n_features)) @ right)
