"""Against statsmodels, to eight digits. NIST's certified standard errors are in test_nist.py."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

from linnet.solvers.inference import Inference, inference
from linnet.solvers.least_squares.least_squares import least_squares

Array = NDArray[np.float64]


def longley() -> tuple[Array, Array]:
    data = sm.datasets.longley.load_pandas()
    return data.exog.to_numpy(dtype=np.float64), data.endog.to_numpy(dtype=np.float64)


DATA = {
    "diabetes, scaled": load_diabetes(return_X_y=True),
    "diabetes, raw": load_diabetes(return_X_y=True, scaled=False),
    "longley": longley(),
}


def assert_agrees(ours: Inference, output: int, theirs: sm.regression.linear_model.RegressionResults) -> None:
    low, high = theirs.conf_int(0.05).T
    pairs = [
        (ours.coefficients, theirs.params),
        (ours.std_errors, theirs.bse),
        (ours.t, theirs.tvalues),
        (ours.p, theirs.pvalues),
        (ours.low, low),
        (ours.high, high),
        (ours.r2, theirs.rsquared),
        (ours.adjusted_r2, theirs.rsquared_adj),
        (ours.f, theirs.fvalue),
        (ours.f_p, theirs.f_pvalue),
        (ours.residual_std_error, np.sqrt(theirs.mse_resid)),
    ]
    for one, other in pairs:
        np.testing.assert_allclose(one[output], other, rtol=1e-8)
    assert (ours.df_model, ours.df_residual) == (theirs.df_model, theirs.df_resid)


class TestAgainstStatsmodels:
    @pytest.mark.parametrize("name", DATA)
    def test_with_a_bias(self, name: str):
        x, y = DATA[name]
        ours = inference(least_squares(x, y))
        assert_agrees(ours, 0, sm.OLS(y, sm.add_constant(x)).fit())

    @pytest.mark.parametrize("name", DATA)
    def test_without_a_bias(self, name: str):
        x, y = DATA[name]
        assert_agrees(inference(least_squares(x, y, bias=False)), 0, sm.OLS(y, x, hasconst=False).fit())

    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("name", DATA)
    def test_weights(self, name: str, bias: bool):
        x, y = DATA[name]
        weight = np.random.default_rng(0).uniform(0.1, 9, len(x))
        design = sm.add_constant(x) if bias else x
        theirs = sm.WLS(y, design, weights=weight, hasconst=bias).fit()
        assert_agrees(inference(least_squares(x, y, bias=bias, sample_weight=weight)), 0, theirs)

    def test_several_outputs(self):
        x, y = DATA["diabetes, raw"]
        targets = np.column_stack([y, np.log(y), x @ np.arange(10.0) + np.sin(y)])
        ours = inference(least_squares(x, targets))
        for output in range(3):
            assert_agrees(ours, output, sm.OLS(targets[:, output], sm.add_constant(x)).fit())


class TestProperties:
    @given(st.integers(0, 1000), st.floats(1e-6, 1e6))
    def test_scale_of_all_weights_is_immaterial(self, seed: int, scale: float):
        rng = np.random.default_rng(seed)
        x, y, weight = rng.standard_normal((12, 3)), rng.standard_normal(12), rng.random(12) + 0.1
        a, b = (inference(least_squares(x, y, sample_weight=w)) for w in (weight, scale * weight))
        for key in ("std_errors", "p", "r2", "adjusted_r2", "f"):
            np.testing.assert_allclose(getattr(a, key), getattr(b, key), rtol=1e-9)

    def test_rows_of_weight_zero_give_no_degrees_of_freedom(self):
        rng = np.random.default_rng(0)
        x, y, weight = rng.standard_normal((12, 3)), rng.standard_normal(12), (np.arange(12) < 9).astype(float)
        a, b = inference(least_squares(x, y, sample_weight=weight)), inference(least_squares(x[:9], y[:9]))
        np.testing.assert_allclose(a.std_errors, b.std_errors, rtol=1e-12)
        assert a.df_residual == b.df_residual == 5

    def test_intervals_hold_the_truth_as_often_as_they_say(self):
        rng = np.random.default_rng(1)
        x = rng.standard_normal((20, 2))
        y = (x @ [1.0, -2.0] + 3)[:, None] + rng.standard_normal((20, 4000))
        result = inference(least_squares(x, y))
        truth = [3, 1, -2]
        covered = np.mean((result.low <= truth) & (truth <= result.high), axis=0)
        np.testing.assert_allclose(covered, 0.95, atol=0.015)


class TestReport:
    def test_metrics(self):
        x, y = DATA["diabetes, scaled"]
        result = inference(least_squares(x, y))
        metrics = result.metrics()
        assert metrics["optimum/r2"] == result.r2[0]
        assert metrics["optimum/rank"] == 11
        assert metrics["optimum/std_error/bias"] == result.std_errors[0, 0]
        assert metrics["optimum/p/x9"] == result.p[0, 10]
        assert all(type(number) is float for number in metrics.values())

    def test_many_coefficients_are_no_metrics(self):
        rng = np.random.default_rng(0)
        result = inference(least_squares(rng.standard_normal((50, 32)), rng.standard_normal(50)))
        assert not [key for key in result.metrics() if "std_error/" in key]

    def test_metrics_of_several_outputs(self):
        x, y = DATA["longley"]
        result = inference(least_squares(x, np.column_stack([y, x[:, 0] ** 2])))
        metrics = result.metrics()
        assert (metrics["optimum/r2/y0"], metrics["optimum/r2/y1"]) == tuple(result.r2)
        assert metrics["optimum/std_error/y1/x1"] == result.std_errors[1, 2]
        assert "optimum/r2" not in metrics

    def test_an_exact_fit_is_certain_and_json_has_no_infinities(self):
        x = np.arange(5.0)[:, None]
        result = inference(least_squares(x, 1 + 2 * x))
        assert (result.r2[0], result.f[0], result.f_p[0]) == (1, np.inf, 0)
        assert result.p.tolist() == [[0, 0]]
        json.dumps(result.metrics(), allow_nan=False)

    def test_only_a_bias(self):
        result = inference(least_squares(np.zeros((4, 0)), np.array([1.0, 2.0, 3.0, 6.0])))
        assert result.std_errors[0, 0] == pytest.approx(np.std([1, 2, 3, 6], ddof=1) / 2)
        assert (result.r2[0], result.adjusted_r2[0]) == (pytest.approx(0), pytest.approx(0))
        assert np.isnan(result.f[0])


X, Y = np.random.default_rng(0).random((9, 2)), np.arange(9.0)


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: inference(least_squares(X, Y, l2=0.1)), "l2=0.1: standard errors are for l2=0"),
            (lambda: inference(least_squares(X[:, [0, 0]], Y)), r"not determined \(rank 2 of 3\): x0, x1"),
            (lambda: inference(least_squares(X[:3], Y[:3])), "3 rows for 3 coefficients: at least one row more"),
        ],
    )
    def test_messages(self, call: Callable[[], Inference], message: str):
        with pytest.raises(ValueError, match=message):
            call()
