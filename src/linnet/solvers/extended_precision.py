"""Sums and matrix products in about twice the working precision, from float64 operations.

A number is kept as an unevaluated sum high + low. A matrix is cut into slices of so few bits that products of slices
are exact in float64: BLAS does all the work, at its speed, and every machine gives the same digits, whether its long
double is wider than double (x86) or not (ARM).

Sources: Ozaki, Ogita, Oishi and Rump, Error-free transformations of matrix multiplication, Numerical Algorithms 59,
2012; Dekker, A floating-point technique for extending the available precision, 1971; Knuth, TAOCP 2, section 4.2.2.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_SLICES = 4
"""Slices per matrix: with at least 20 bits each, what is left over is below 2⁻⁸⁰ of the largest entry."""


class Extended(NamedTuple):
    """high + low, of one shape, where low is at most a rounding error of high."""

    high: Array
    low: Array

    def plus(self, other: "Extended") -> "Extended":
        high, error = two_sum(self.high, other.high)
        return normalised(high, self.low + other.low + error)

    def minus(self, other: "Extended") -> "Extended":
        return self.plus(Extended(-other.high, -other.low))

    def times(self, factor: Array) -> "Extended":
        high, error = two_product(self.high, factor)
        return normalised(high, self.low * factor + error)


def extended(value: Array) -> Extended:
    return Extended(value, np.zeros_like(value))


def normalised(high: Array, low: Array) -> Extended:
    """Normalise a sum so that the low part is a rounding error of the high one."""
    return Extended(*two_sum(high, low))


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return fl(a + b) and its exact rounding error (Knuth)."""
    total = a + b
    rounded = total - a
    return total, (a - (total - rounded)) + (b - rounded)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return fl(a b) and its exact rounding error (Dekker), for factors below 2⁹⁹⁶."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(a: Array) -> tuple[Array, Array]:
    """Split `a` into a sum of two numbers of 26 bits (Veltkamp)."""
    scaled = a * 134217729.0  # 2²⁷ + 1
    high = scaled - (scaled - a)
    return high, a - high


class Sliced:
    """A matrix `[n, d]` cut into slices, for products with it and with its transpose.

    matrix = Σ slices * scale, with one power of two per column, so that columns in different units lose nothing.
    """

    def __init__(self, matrix: Array) -> None:
        self.bits = _bits(matrix.shape)
        self.scale = powers_of_two(matrix)
        self.slices = _slices(matrix / self.scale, None, self.bits)

    @staticmethod
    def relative_error(shape: tuple[int, ...]) -> float:
        """Return the error per term of a product with a matrix of this shape, relative to the largest possible term."""
        return 2.0 ** (4 - MAX_SLICES * _bits(shape)) + 2.0**-95

    def times(self, right: Array) -> Extended:
        """Multiply the matrix by `right [d, m]`: `[n, m]`."""
        return self._product(right * self.scale[:, None], None, transpose=False)

    def transpose_times(self, right: Extended) -> Extended:
        """Multiply the transposed matrix by `right [n, m]`: `[d, m]`."""
        product, scale = self._product(right.high, right.low, transpose=True), self.scale[:, None]
        return Extended(product.high * scale, product.low * scale)

    def _product(self, right: Array, right_low: Array | None, *, transpose: bool) -> Extended:
        n_columns = right.shape[1]
        unit = powers_of_two(right)
        others = _slices(right / unit, None if right_low is None else right_low / unit, self.bits)
        shape = (self.slices[0].shape[int(transpose)], n_columns)
        high, low = np.zeros(shape), np.zeros(shape)
        for i, left in enumerate(self.slices):
            kept = others[: MAX_SLICES - i]  # the rest is as small as what slicing left over
            products = (left.T if transpose else left) @ np.hstack(kept)
            for j in range(len(kept)):
                high, error = two_sum(high, products[:, j * n_columns : (j + 1) * n_columns])
                low += error
        return normalised(high * unit, low * unit)


def _bits(shape: tuple[int, ...]) -> int:
    """Return the bits per slice for which a sum of products of slices is exact."""
    return (53 - math.ceil(math.log2(max(2, *shape)))) // 2


def powers_of_two(matrix: Array) -> Array:
    """Return one power of two per column `[d]`, at least as large as its entries; 1 for a column of zeros."""
    largest = np.maximum(matrix.max(axis=0, initial=0), -matrix.min(axis=0, initial=0))
    return np.asarray(np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1]), 1.0))


def _slices(rest: Array, low: Array | None, bits: int) -> list[Array]:
    """Split entries within [-1, 1] into a sum of matrices; the k-th has multiples of 2^(-k bits)."""
    slices = []
    for k in range(1, MAX_SLICES + 1):
        grid = 1.5 * 2.0 ** (52 - k * bits)  # adding it rounds to the grid, since its last bit is 2^(-k bits)
        part = (rest + grid) - grid
        rest = rest - part
        slices.append(part)
        if k == 2 and low is not None:
            rest, low = rest + low, None  # the low part reaches no further up than this
        if low is None and not rest.any():
            break
    return slices
