"""Solve linear systems in integers, without rounding."""

import numpy as np

from linnet.solvers.exact_arithmetic.integer_margins import Whole


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

    def exchange(self, place: int, column: int, coordinates: Whole) -> None:
        """Replace a basis column by another, given its number and `coordinates`, at a place where these are not 0."""
        pivot, row = coordinates[place], self.table[place].copy()
        self.table = (self.table * pivot - np.outer(coordinates, row)) // self.denominator
        self.table[place] = row
        self.denominator, self.columns[place] = pivot, column
