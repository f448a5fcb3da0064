from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from linnet.solvers.extended_precision import Extended, Sliced, extended, powers_of_two, two_product, two_sum

Array = NDArray[np.float64]

numbers = st.floats(-1e100, 1e100, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-100)


def as_fractions(value: Extended | Array) -> list[list[Fraction]]:
    pair = value if isinstance(value, Extended) else extended(value)
    return [
        [Fraction(float(high)) + Fraction(float(low)) for high, low in zip(*rows, strict=True)]
        for rows in zip(*pair, strict=True)
    ]


def exact_product(left: list[list[Fraction]], right: list[list[Fraction]]) -> list[list[Fraction]]:
    columns = list(zip(*right, strict=True))
    return [[sum((a * b for a, b in zip(row, c, strict=True)), Fraction(0)) for c in columns] for row in left]


def transposed(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    return [list(column) for column in zip(*matrix, strict=True)]


@given(numbers, numbers)
def test_two_sum_and_two_product_are_exact(a: float, b: float):
    high, low = two_sum(np.array(a), np.array(b))
    assert Fraction(float(high)) + Fraction(float(low)) == Fraction(a) + Fraction(b)
    high, low = two_product(np.array(a), np.array(b))
    if a * b == 0 or abs(a * b) > 1e-200:
        assert Fraction(float(high)) + Fraction(float(low)) == Fraction(a) * Fraction(b)


def test_powers_of_two():
    matrix = np.array([[1.0, -3.0, 0.0, 1e-300], [0.5, 2.0, 0.0, -1e300]])
    scale = powers_of_two(matrix)
    assert np.all(np.abs(matrix) <= scale)
    assert scale[:3].tolist() == [2, 4, 1]
    assert np.all(np.frexp(scale)[0] == 0.5)


@pytest.mark.parametrize("shape", [(5, 3), (300, 40), (40, 300), (1, 1)])
@pytest.mark.parametrize("single", [True, False], ids=["float32 data", "float64 data"])
class TestSliced:
    def draw(self, shape: tuple[int, int], single: bool) -> tuple[Array, Array, Extended]:
        """A matrix with columns in different units, a right factor in their inverses, and one of double precision."""
        rng = np.random.default_rng(0)
        n, d = shape
        scale = 2.0 ** rng.integers(-40, 40, d)
        matrix = rng.standard_normal((n, d)).astype(np.float32 if single else np.float64) * scale
        right = rng.standard_normal((d, 2)) / scale[:, None]
        high = rng.standard_normal((n, 2))
        return matrix, right, Extended(high, high * rng.uniform(-1e-17, 1e-17, high.shape))

    def worst(self, computed: Extended, exact: list[list[Fraction]]) -> float:
        """Largest error, relative to the largest number of its row."""
        rows = zip(as_fractions(computed), exact, strict=True)
        return max(float(max(abs(a - b) for a, b in zip(*r, strict=True)) / max(map(abs, r[1]))) for r in rows)

    def test_products_have_twice_the_precision(self, shape: tuple[int, int], single: bool):
        matrix, right, left = self.draw(shape, single)
        sliced = Sliced(matrix)
        exact = exact_product(as_fractions(matrix), as_fractions(right))
        assert self.worst(sliced.times(right), exact) < 1e-22
        exact = exact_product(transposed(as_fractions(matrix)), as_fractions(left))
        assert self.worst(sliced.transpose_times(left), exact) < 1e-22

    def test_slices_add_up_to_the_matrix(self, shape: tuple[int, int], single: bool):
        matrix = self.draw(shape, single)[0]
        sliced = Sliced(matrix)
        np.testing.assert_array_equal(sum(reversed(sliced.slices), np.zeros(shape)) * sliced.scale, matrix)
        assert len(sliced.slices) <= 4


def test_sums_and_products_of_pairs():
    a, b = Extended(np.array([1.0]), np.array([2.0**-60])), Extended(np.array([1.0]), np.array([-(2.0**-70)]))
    assert [float(part[0]) for part in a.minus(b)] == [2.0**-60 + 2.0**-70, 0]
    assert [float(part[0]) for part in a.plus(b)] == [2, 2.0**-60 - 2.0**-70]
    assert [float(part[0]) for part in a.times(np.array([3.0]))] == [3, 3 * 2.0**-60]
