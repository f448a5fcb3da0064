"""Least squares: digits, against exact rational arithmetic; rank, report and errors."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from rational_least_squares import coefficients, digits, exact, powers, singular

from linnet.solvers.least_squares import least_squares as module
from linnet.solvers.least_squares.least_squares import LeastSquares, least_squares

Array = NDArray[np.float64]


HARD: dict[str, tuple[Array, bool]] = {
    "polynomial of degree 10, condition 1e15": (powers(np.linspace(-9, -3, 60), 10), True),
    "polynomial of degree 10, condition 1e14": (powers(np.linspace(0, 20, 41), 10), True),
    "polynomial of degree 12 on [0, 10]": (powers(np.linspace(0, 10, 40), 12), True),
    "polynomial far from the origin, condition 1e23": (powers(np.linspace(1000, 1100, 40), 5), True),
    "Vandermonde of degree 14 on [0, 1]": (np.vander(np.linspace(0, 1, 40), 15), False),
    "Hilbert 12 x 8": (1.0 / (np.arange(12)[:, None] + np.arange(8) + 1), False),
    "timestamps": (1.7e9 + np.random.default_rng(0).integers(0, 1000, (30, 2)) / 1024, True),
    "condition 1e6": (singular(1e6), True),
    "condition 1e8": (singular(1e8), False),
    "condition 1e10": (singular(1e10), True),
    "condition 1e12": (singular(1e12), False),
}


class TestAccuracy:
    @pytest.mark.parametrize("noise", [1e-8, 1.0, 1e4], ids=["small residual", "residual", "large residual"])
    @pytest.mark.parametrize("name", HARD)
    def test_every_coefficient_is_right_to_nearly_all_digits(self, name: str, noise: float):
        x, bias = HARD[name]
        design = np.insert(x, 0, 1, axis=1) if bias else x
        rng = np.random.default_rng(2)
        y = design @ (1 / np.abs(design).max(axis=0)) + noise * rng.standard_normal(len(x))
        certified = exact(design, y)
        fit = least_squares(x, y, bias=bias)
        assert fit.unique
        assert digits(coefficients(fit), certified) >= 13
        for rcond in (None, -1):
            theirs = np.linalg.lstsq(design, y, rcond=rcond)[0]
            assert digits(coefficients(fit), certified) >= digits(theirs, certified) - 1

    def test_every_output_is_refined_for_as_long_as_it_needs(self):
        x, bias = HARD["condition 1e12"]
        rng = np.random.default_rng(2)
        y = np.column_stack([np.zeros(40), x.sum(axis=1), 1e4 * rng.standard_normal(40), x[:, 0] + rng.random(40)])
        fit = least_squares(x, y, bias=bias)
        assert not fit.weight[0].any()
        assert all(digits(fit.weight[c], exact(x, y[:, c])) >= 13 for c in range(1, 4))

    def test_refinement_is_what_makes_them_right(self, monkeypatch: pytest.MonkeyPatch):
        x, bias = HARD["condition 1e10"]
        y = np.random.default_rng(3).standard_normal(len(x))
        certified = exact(np.insert(x, 0, 1, axis=1), y)
        refined = least_squares(x, y, bias=bias)
        monkeypatch.setattr(module, "MAX_STEPS", 0)
        plain = least_squares(x, y, bias=bias)
        assert (plain.steps, refined.steps > 0) == (0, True)
        assert 5 < digits(coefficients(plain), certified) < 10
        assert digits(coefficients(refined), certified) >= 13

    def test_wide_range_of_weights(self):
        rng = np.random.default_rng(4)
        x, y, weight = rng.standard_normal((30, 4)), rng.standard_normal(30), 10 ** rng.uniform(-9, 9, 30)
        certified = exact(np.insert(x, 0, 1, axis=1), y, weight)
        assert digits(coefficients(least_squares(x, y, sample_weight=weight)), certified) >= 13

    @pytest.mark.parametrize("l2", [2.0**-60, 2.0**-20, 1.0, 2.0**20])
    def test_ridge(self, l2: float):
        x = powers(np.linspace(-9, -3, 32), 6)
        y = np.sin(x[:, 0])
        certified = exact(np.insert(x, 0, 1, axis=1), y, ridge=32 * Fraction(l2), first=1)
        fit = least_squares(x, y, l2=l2)
        assert digits(coefficients(fit), certified) >= 13
        whole = [Fraction(float(number)) for number in y]
        squares = sum(
            (t - certified[0] - sum(c * Fraction(float(v)) for c, v in zip(certified[1:], row, strict=True))) ** 2
            for row, t in zip(x, whole, strict=True)
        )
        assert fit.residual_squares[0] == pytest.approx(float(squares), rel=1e-12)
        assert fit.objective == pytest.approx(
            float(squares / 64 + Fraction(l2) / 2 * sum(c * c for c in certified[1:])), rel=1e-12
        )

    def test_exact_data_leave_no_residual_at_all(self):
        x = powers(np.arange(21.0), 5)
        fit = least_squares(x, 1 + x.sum(axis=1))
        assert fit.weight.tolist() == [[1.0] * 5]
        assert fit.objective < 1e-30

    def test_scale_of_a_feature_changes_nothing_else(self):
        rng = np.random.default_rng(5)
        x, y = rng.standard_normal((50, 3)) + 5, rng.standard_normal((50, 2))
        scale = np.array([2.0**-600, 1, 2.0**600])
        plain, scaled = least_squares(x, y), least_squares(x * scale, y)
        np.testing.assert_array_equal(scaled.weight * scale, plain.weight)
        np.testing.assert_array_equal(scaled.bias, plain.bias)
        assert scaled.scaled_condition == pytest.approx(plain.scaled_condition, rel=1e-12)


class TestRank:
    def check(self, x: Array, rank: int, *, bias: bool = True, l2: float = 0.0) -> LeastSquares:
        y = np.random.default_rng(0).standard_normal(len(x))
        fit = least_squares(x, y, bias=bias, l2=l2)
        assert (fit.rank, fit.unique) == (rank, rank == fit.n_coefficients)
        assert np.isfinite(fit.condition) == np.isfinite(fit.scaled_condition) == fit.unique
        assert (fit.inverse is not None) == fit.unique
        return fit

    def test_a_constant_feature_is_left_to_the_bias(self):
        x = np.random.default_rng(1).standard_normal((20, 3))
        x[:, 1] = 0.1 + 0.2
        fit = self.check(x, 3)
        assert fit.weight[0, 1] == 0
        assert self.check(x, 3, bias=False).weight[0, 1] != 0

    def test_a_feature_that_varies_far_from_the_origin_is_not_constant(self):
        x = 1e13 + np.arange(20.0)[:, None]
        fit = least_squares(x, 3 * (x[:, 0] - 1e13))
        assert (fit.rank, fit.weight[0, 0]) == (2, 3.0)

    def test_zeros(self):
        x = np.zeros((5, 2))
        assert self.check(x, 1).weight.tolist() == [[0, 0]]
        assert self.check(x, 0, bias=False).objective > 0

    @pytest.mark.parametrize("n_rows", [100, 1000, 30_000])
    def test_one_hot_columns_add_up_to_the_bias(self, n_rows: int):
        groups = np.random.default_rng(2).integers(0, 10, n_rows)
        for order in (groups, np.sort(groups)):  # sorted, rounding errors all go one way
            self.check(np.eye(10)[order] * np.geomspace(1e-6, 1e6, 10), 10)
            self.check(np.eye(10)[order], 10, bias=False)

    def test_dependent_features_share_by_least_norm(self):
        x = np.random.default_rng(3).standard_normal((50, 1))
        fit = self.check(np.hstack([x, 2 * x, x / 3]), 2)
        np.testing.assert_allclose(fit.weight[0] / fit.weight[0, 0], [1, 2, 1 / 3], rtol=1e-13)

    def test_combinations_of_features(self):
        rng = np.random.default_rng(4)
        x = rng.standard_normal((2000, 100)) * 10.0 ** rng.integers(-8, 9, 100)
        self.check(np.hstack([x, x @ rng.standard_normal((100, 30))]), 101)

    def test_more_coefficients_than_rows(self):
        x = np.random.default_rng(5).standard_normal((10, 30))
        fit = self.check(x, 10)
        assert fit.objective < 1e-28
        assert self.check(x, 10, bias=False).objective < 1e-28

    def test_a_penalty_makes_it_unique(self):
        x = np.random.default_rng(6).standard_normal((10, 30))
        fit = self.check(np.hstack([x, x]), 61, l2=0.1)
        np.testing.assert_allclose(fit.weight[0, :30], fit.weight[0, 30:], rtol=1e-12)

    def test_the_least_norm_is_the_limit_of_ridge(self):
        x = np.random.default_rng(7).standard_normal((30, 4)) + 3
        x = np.hstack([x, x[:, :2]])
        np.testing.assert_allclose(self.check(x, 5).weight, self.check(x, 7, l2=1e-9).weight, atol=1e-7)

    def test_one_row(self):
        fit = self.check(np.array([[1.0, 2.0]]), 1)
        assert (fit.weight.tolist(), fit.objective) == ([[0, 0]], 0)

    def test_no_features(self):
        fit = least_squares(np.zeros((3, 0)), np.array([1.0, 2.0, 6.0]))
        assert (fit.bias.tolist(), fit.weight.shape, fit.condition) == ([3.0], (1, 0), 1.0)  # type: ignore[union-attr]
        assert fit.objective == pytest.approx((4 + 1 + 9) / 6)


class TestReport:
    def test_condition_numbers(self):
        x = np.random.default_rng(0).standard_normal((30, 4)) * [1, 10, 1e3, 1e-4] + [0, 3, 1e4, 1]
        fit = least_squares(x, x[:, 0])
        centred = x - x.mean(axis=0)
        assert fit.condition == pytest.approx(np.linalg.cond(np.insert(x, 0, 1, axis=1)), rel=1e-6)
        assert fit.scaled_condition == pytest.approx(np.linalg.cond(centred / np.linalg.norm(centred, axis=0)))
        plain = least_squares(x, x[:, 0], bias=False)
        assert plain.condition == pytest.approx(np.linalg.cond(x), rel=1e-6)
        assert plain.scaled_condition == pytest.approx(np.linalg.cond(x / np.linalg.norm(x, axis=0)))

    def test_condition_with_weights_and_penalty(self):
        rng = np.random.default_rng(1)
        x, weight = rng.standard_normal((30, 3)), rng.random(30)
        rows = np.insert(x, 0, 1, axis=1) * np.sqrt(weight)[:, None]
        system = np.vstack([rows, np.sqrt(weight.sum() * 0.5) * np.eye(4)[1:]])
        fit = least_squares(x, x[:, 0], l2=0.5, sample_weight=weight)
        assert fit.condition == pytest.approx(np.linalg.cond(system))
        gram = fit.inverse @ fit.inverse.T  # type: ignore[union-attr]
        np.testing.assert_allclose(gram, np.linalg.inv(system.T @ system), rtol=1e-9, atol=1e-15)

    def test_residuals_and_method(self):
        rng = np.random.default_rng(2)
        x, y, weight = rng.standard_normal((20, 3)), rng.standard_normal((20, 2)), rng.random(20)
        fit = least_squares(x, y, sample_weight=weight)
        residual = y - x @ fit.weight.T - fit.bias
        np.testing.assert_allclose(fit.residual_squares, weight @ np.square(residual))
        mean = (weight @ y) / weight.sum()
        np.testing.assert_allclose(fit.total_squares, weight @ np.square(y - mean))
        assert (fit.n_rows, fit.total_weight) == (20, pytest.approx(weight.sum()))
        assert "refinement" in fit.method
        assert "orthogonal decomposition" in least_squares(np.zeros((3, 1)), y[:3]).method


X, Y = np.ones((4, 2)), np.ones((4, 1))


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: least_squares(X[0], Y), r"x is \[2\]: expected \[N, D\]"),
            (lambda: least_squares(X, Y[:3]), r"y is \[3, 1\]: expected \[4\] or \[4, C\]"),
            (lambda: least_squares(X, np.ones((4, 0))), "C at least 1"),
            (lambda: least_squares(X, np.ones((4, 1, 1))), r"y is \[4, 1, 1\]"),
            (lambda: least_squares(X * np.nan, Y), "x holds 8 NaN or infinite numbers"),
            (lambda: least_squares(X, Y * np.inf), "y holds 4 NaN or infinite numbers"),
            (lambda: least_squares(X, Y, sample_weight=np.array([1, 1, np.nan, 1])), "sample_weight holds 1 NaN"),
            (lambda: least_squares(X, Y, sample_weight=np.array([1, 1, -2.0, 1])), "sample_weight holds -2"),
            (lambda: least_squares(X, Y, sample_weight=np.ones(3)), r"sample_weight is \[3\]: expected \[4\]"),
            (lambda: least_squares(X, Y, sample_weight=np.zeros(4)), "none of positive weight"),
            (lambda: least_squares(X[:0], Y[:0]), "no rows"),
            (lambda: least_squares(X[:, :0], Y, bias=False), "at least one coefficient"),
            (lambda: least_squares(X, Y, l2=-1), "l2 is -1: expected"),
            (lambda: least_squares(X, Y, l2=float("nan")), "l2 is nan: expected"),
            (lambda: least_squares(X + 1j, Y), "x holds complex128"),
            (lambda: least_squares(X, np.arange(4.0) * 1e200), "overflow"),
        ],
    )
    def test_messages_are_one_line(self, call: Callable[[], LeastSquares], message: str):
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)

    def test_nan_in_a_row_of_weight_zero_is_still_refused(self):
        with pytest.raises(ValueError, match="x holds 2 NaN"):
            least_squares(np.vstack([X, [[np.nan] * 2]]), np.ones(5), sample_weight=np.array([1, 1, 1, 1, 0]))
