"""Margins of examples along a direction, with exact signs.

A double is a whole number over a power of two. With every column multiplied by a power of two, the features are whole
numbers, and so are the margins along a direction of whole numbers: Python computes them without rounding. That is
slow, so a margin is first computed in floating point; only where it is no larger than the bound of its rounding error
is it computed exactly (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.object_]
"""Python's whole numbers, which have no limit."""
UNIT_ROUNDOFF = 2.0**-53
TINY = 1e-290
"""More than what underflow can do to a sum of products of numbers that are at most 1."""


class WholeRows:
    """Rows of a design `[N, D]`, float64: rows = whole * 2^exponent, with one exponent per column."""

    def __init__(self, design: Array) -> None:
        mantissa, exponent = np.frexp(design)
        digits = (mantissa * 2.0**53).astype(np.int64)
        lowest = digits & -digits  # the last bit that is set
        zeros = np.where(digits == 0, 0, np.frexp(np.maximum(lowest, 1).astype(np.float64))[1] - 1)
        power = exponent - 53 + zeros
        none = np.iinfo(power.dtype).max
        self.exponent = np.where(digits == 0, none, power).min(axis=0, initial=none)
        self.exponent[self.exponent == none] = 0
        shift = np.where(digits == 0, 0, power - self.exponent)
        self.whole: Whole = (digits >> zeros).astype(object) << shift.astype(object)
        self.largest = np.frexp(np.abs(design).max(axis=0, initial=0.0))[1]
        self.unit: Array = np.ldexp(design, -self.largest)  # each entry at most 1

    def scores(self, direction: Whole) -> tuple[Array, Array]:
        """Multiply by a direction `[C, D]` in units of `whole`, up to one power of two: `[C, N]`, with error bounds."""
        floats = as_floats(direction << (self.largest - self.exponent + 1100).astype(object))
        value, size = floats @ self.unit.T, np.abs(floats) @ np.abs(self.unit).T
        return value, 2 * (self.unit.shape[1] + 4) * UNIT_ROUNDOFF * size + TINY

    def exact_scores(self, direction: Whole, rows: NDArray[np.int64]) -> Whole:
        """Multiply `whole` by a direction `[C, D]`: `[C, len(rows)]`."""
        return np.asarray(direction @ self.whole[rows].T, dtype=object)

    def as_parameters(self, direction: Whole) -> Array:
        """Convert a direction in units of `whole` to doubles `[C, D]`, rounded, of length about 1."""
        return as_floats(direction << (2200 - self.exponent).astype(object))


def as_floats(numbers: Whole) -> Array:
    """Divide integers by one power of two to at most 1, each with a relative error of 2^-52 (or underflow)."""
    flat = [int(number) for number in numbers.ravel()]
    top = max((number.bit_length() for number in flat), default=0)
    result = np.zeros(len(flat))
    for index, number in enumerate(flat):
        spare = max(0, number.bit_length() - 64)
        result[index] = np.ldexp(float(number >> spare), spare - top)
    return result.reshape(numbers.shape)


class Margins:
    """Margins that a direction of recession lets grow or keeps: rows ±x̃ of a design, placed by output.

    Margin k is Σ_c coefficient[k, c] direction[c] · x̃[row[k]] for the unknowns direction `[C, D]`; `plus[k]` names the
    output with coefficient 1 and `minus[k]` that with −1; −1 stands for none.
    """

    def __init__(
        self, rows: WholeRows, n_outputs: int, row: NDArray[np.int64], plus: NDArray[np.int64], minus: NDArray[np.int64]
    ) -> None:
        self.rows, self.n_outputs, self.row, self.plus, self.minus = rows, n_outputs, row, plus, minus

    def __len__(self) -> int:
        return len(self.row)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a direction."""
        return self.n_outputs, self.rows.whole.shape[1]

    def some(self, chosen: NDArray[np.bool_]) -> "Margins":
        return Margins(self.rows, self.n_outputs, self.row[chosen], self.plus[chosen], self.minus[chosen])

    def gradient(self, k: int) -> Whole:
        """Return the derivative of margin k with respect to the direction, `[C * D]`, in units of `whole`."""
        found = np.full(self.shape, 0, dtype=object)
        x = self.rows.whole[self.row[k]]
        if self.plus[k] >= 0:
            found[self.plus[k]] += x
        if self.minus[k] >= 0:
            found[self.minus[k]] -= x
        return found.ravel()

    def dense(self, unit: Array) -> Array:
        """Return each margin's derivative by the direction, `[K, C * D]`, of rows `[N, D]` in units of their own."""
        n_outputs, width = self.shape
        found, index = np.zeros((len(self), n_outputs + 1, width)), np.arange(len(self))
        found[index, self.plus] += unit[self.row]
        found[index, self.minus] -= unit[self.row]
        return found[:, :-1].reshape(len(self), -1)  # without the last output, which takes what belongs to none

    def total(self, sizes: Whole) -> Whole:
        """Compute Σ_k sizes[k] gradient(k), `[C * D]`."""
        share = np.full((self.n_outputs, len(self.rows.whole)), 0, dtype=object)
        for output, sign in ((self.plus, 1), (self.minus, -1)):
            for c, i, size in zip(output.tolist(), self.row.tolist(), sizes, strict=True):
                if c >= 0:
                    share[c, i] += sign * size
        return np.asarray(share @ self.rows.whole, dtype=object).ravel()

    def along(self, direction: Whole) -> tuple[NDArray[np.int8], Array]:
        """Return the exact signs of the margins along a direction `[C * D]`, and approximate normalised margins."""
        direction = direction.reshape(self.shape)
        value, error = self.rows.scores(direction)
        margin, doubt = self._difference(value), self._difference(error, 1)
        signs = np.sign(margin).astype(np.int8)
        unsure = np.flatnonzero(np.abs(margin) <= 2 * doubt)
        if len(unsure):
            needed, place = np.unique(self.row[unsure], return_inverse=True)
            exact = self.rows.exact_scores(direction, needed)
            some = Margins(self.rows, self.n_outputs, place, self.plus[unsure], self.minus[unsure])
            signs[unsure] = [(number > 0) - (number < 0) for number in some._difference(exact)]
        return signs, np.where(signs == 0, 0.0, np.abs(margin) / np.maximum(doubt, TINY)) * signs

    def _difference(self, scores: NDArray, sign: int = -1) -> NDArray:  # type: ignore[type-arg]
        """Compute scores[plus] − scores[minus], or with `sign` 1 their sum; an output of −1 has the score 0."""
        padded = np.concatenate([scores, np.zeros_like(scores[:1])])
        return padded[self.plus, self.row] + sign * padded[self.minus, self.row]


class WholeBasis:
    """Basis B of integer columns, exchanged one by one; keeps B⁻¹ and B⁻¹ b without any rounding.

    It begins with the unit vectors. All numbers are minors of B, over their common denominator det B: each exchange
    divides by the denominator before, without a remainder (Edmonds, "Systems of distinct representatives and linear
    algebra", 1967; Bareiss, 1968).

    Args:
        right: b `[n]`.
    """

    def __init__(self, right: Whole) -> None:
        n = len(right)
        self.table: Whole = np.full((n, n + 1), 0, dtype=object)
        self.table[:, -1] = right
        self.table[np.arange(n), np.arange(n)] = 1
        self.denominator = 1
        self.columns: list[int] = [-1] * n
        """Which column stands in each place, −1 for a unit vector."""

    @property
    def solution(self) -> Whole:
        """Return B⁻¹ b times the denominator, `[n]`."""
        return self.table[:, -1]

    def coordinates(self, column: Whole) -> Whole:
        """Return B⁻¹ column times the denominator, `[n]`."""
        return np.asarray(self.table[:, :-1] @ column, dtype=object)

    def extend(self, number: int, column: Whole) -> bool:
        """Let a column take the place of a unit vector, if it is independent; return whether there was one left."""
        free = [place for place, there in enumerate(self.columns) if there < 0]
        if free:
            coordinates = self.coordinates(column)
            place = max(free, key=lambda place: abs(coordinates[place]))
            if coordinates[place] != 0:
                self.exchange(place, number, coordinates)
        return bool(free)

    def exchange(self, place: int, column: int, coordinates: Whole) -> None:
        """Replace a basis column by another, given its number and `coordinates`, at a place where these are not 0."""
        pivot, row = coordinates[place], self.table[place].copy()
        self.table = (self.table * pivot - np.outer(coordinates, row)) // self.denominator
        self.table[place] = row
        self.denominator, self.columns[place] = pivot, column
