"""Bootstrap intervals against scipy's on the same resamples, where there are none, and by simulation."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from sklearn.datasets import load_diabetes

from linnet.solvers import bootstrap
from linnet.solvers.bootstrap import WITHHELD, acceleration, bca, deleted_coefficients, percentile, selection_frequency
from linnet.solvers.least_squares.least_squares import least_squares

Array = np.ndarray


def slope(x: Array, y: Array, axis: int = -1) -> Array:
    x, y = x - x.mean(axis=axis, keepdims=True), y - y.mean(axis=axis, keepdims=True)
    return (x * y).sum(axis=axis) / (x * x).sum(axis=axis)


class TestAgainstScipy:
    @pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
    @pytest.mark.parametrize("ties", [False, True])
    def test_of_a_slope(self, confidence, ties, monkeypatch):
        # Quantiles of rank p (F + 1), where scipy's bootstrap takes the rank 1 + p (F − 1).
        monkeypatch.setattr(stats, "quantile", partial(stats.quantile, method="weibull"))
        rng = np.random.default_rng(0)
        x = rng.exponential(size=30)
        y = x + rng.exponential(size=30) ** 2
        if ties:  # few values, many of them equal to the estimate
            x, y = np.arange(30.0) % 2, (np.arange(30) % 3 == 0) * 1.0
        for method in ("percentile", "BCa"):
            theirs = stats.bootstrap(
                (x, y), slope, paired=True, n_resamples=999, method=method, confidence_level=confidence,
                rng=np.random.default_rng(1),
            )  # fmt: skip
            replicates = theirs.bootstrap_distribution
            if method == "percentile":
                ours = percentile(replicates, confidence)
            else:
                ours = bca(replicates, slope(x, y), acceleration(_changes(x, y)), confidence)
            assert ours.withheld == 0
            np.testing.assert_allclose(ours[:2], tuple(theirs.confidence_interval), rtol=1e-12)

    def test_of_many_statistics_at_once_are_those_of_each(self):
        rng = np.random.default_rng(0)
        replicates, estimate, a = rng.gamma(2, size=(500, 3, 2)), np.full((3, 2), 1.7), rng.normal(0, 0.05, (3, 2))
        ours = bca(replicates, estimate, a)
        for at in np.ndindex(3, 2):
            one = bca(replicates[(slice(None), *at)], estimate[at], a[at])
            assert (ours.low[at], ours.high[at]) == (one.low, one.high)


def _changes(x: Array, y: Array) -> Array:
    """Return the closed-form changes of the slope `[N]`."""
    fit = least_squares(x[:, None], y)
    assert fit.bias is not None and fit.inverse is not None
    residuals = y - x * fit.weight[0, 0] - fit.bias[0]
    return deleted_coefficients(np.column_stack([np.ones(len(x)), x]), residuals[:, None], fit.inverse)[:, 0, 1]


class TestDeletedCoefficients:
    @pytest.mark.parametrize("bias", [True, False])
    def test_are_those_of_fits_without_the_example(self, bias):
        x, y = load_diabetes(return_X_y=True)
        x, y = x[:40], np.column_stack([y, np.sqrt(y)])[:40]
        fit = least_squares(x, y, bias=bias)
        assert fit.inverse is not None
        full = fit.weight if fit.bias is None else np.column_stack([fit.bias, fit.weight])
        design = np.column_stack([np.ones(40), x]) if bias else x
        changes = deleted_coefficients(design, y - design @ full.T, fit.inverse)
        for i in range(0, 40, 7):
            kept = np.arange(40) != i
            brute = np.linalg.lstsq(design[kept], y[kept], rcond=None)[0].T - full
            np.testing.assert_allclose(changes[i], brute, rtol=1e-8, atol=1e-8 * np.abs(full).max())

    def test_are_unknown_where_one_example_determines_a_coefficient(self):
        x = np.zeros((9, 1))
        x[3] = 1
        y = np.random.default_rng(0).standard_normal(9)
        assert np.isnan(acceleration(_changes(x[:, 0], y)))
        found = bca(np.random.default_rng(0).standard_normal(999), np.array(0.0), acceleration(_changes(x[:, 0], y)))
        assert (WITHHELD[found.withheld], np.isnan(found.low)) == ("the acceleration is not known", True)


class TestWithheld:
    @pytest.mark.parametrize(
        ("replicates", "estimate", "a", "reason"),
        [
            (np.full(999, 2.0), 2.0, 0.0, bootstrap.CONSTANT),
            (np.arange(1.0, 1000), 0.0, 0.0, bootstrap.ONE_SIDE),
            (np.arange(30.0), 15.0, 0.0, bootstrap.FEW),
            (np.arange(999.0), 990.0, 0.0, bootstrap.FEW),  # the corrected tail is smaller than a resample
            (np.arange(999.0), 500.0, np.nan, bootstrap.UNKNOWN),
            (np.arange(999.0), 500.0, 0.6, bootstrap.BEYOND),
            (np.append(np.arange(998.0), np.nan), 500.0, 0.0, bootstrap.FINITE),
            (np.append(np.arange(998.0), np.inf), 500.0, 0.0, bootstrap.FINITE),
        ],
    )
    def test_with_its_reason(self, replicates, estimate, a, reason):
        found = bca(replicates, np.array(estimate), np.array(a))
        assert WITHHELD[found.withheld] == WITHHELD[reason]
        assert np.isnan([found.low, found.high]).all()

    def test_of_percentiles(self):
        assert percentile(np.arange(38.0)).withheld == bootstrap.FEW
        assert percentile(np.arange(39.0)).withheld == 0
        assert percentile(np.append(np.arange(99.0), np.nan)).withheld == bootstrap.FINITE
        assert percentile(np.zeros(99)) == (0.0, 0.0, 0)

    def test_no_skewness_is_no_acceleration(self):
        assert acceleration(np.zeros((5, 2))).tolist() == [0, 0]
        assert acceleration(np.array([-1e-200, 0, 1e-200])) == 0
        assert acceleration(np.array([1e200, 0, 0])) == pytest.approx(acceleration(np.array([1.0, 0, 0])))


def test_expanded_quantile():
    # Tables of Student's t: 2.228 for 10 degrees of freedom; √(12/10)
    assert bootstrap.expanded_quantile(12, 10) == pytest.approx(2.228 * 1.0954, rel=2e-4)
    assert bootstrap.expanded_quantile(10**6, 10**6 - 3) == pytest.approx(1.95996, rel=1e-5)
    replicates, estimate = np.random.default_rng(0).standard_normal(4999), np.array(0.0)
    narrow = bca(replicates, estimate, np.array(0.0))
    wide = bca(replicates, estimate, np.array(0.0), quantile=bootstrap.expanded_quantile(12, 10))
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert ratio == pytest.approx(bootstrap.expanded_quantile(12, 10) / 1.96, rel=0.05)  # of normal resamples


@given(st.integers(0, 1000), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_intervals_follow_a_change_of_units(seed, shift, scale):
    rng = np.random.default_rng(seed)
    replicates, a = rng.gamma(3, size=299), np.array(0.03)
    one, other = bca(replicates, np.array(2.5), a), bca(shift + scale * replicates, np.array(shift + scale * 2.5), a)
    np.testing.assert_allclose(other[:2], shift + scale * np.array(one[:2]), rtol=1e-9, atol=1e-9 * abs(shift))
    mirrored = bca(-replicates, np.array(-2.5), -a)
    np.testing.assert_allclose(mirrored[:2], [-one.high, -one.low], rtol=1e-9)


def test_selection_frequency():
    weights = np.array([[[0.0, 1, 2]], [[0, -0.0, 3]], [[0, 0, 1]], [[1e-300, 4, 5]]])
    assert selection_frequency(weights).tolist() == [[0.25, 0.5, 1.0]]
