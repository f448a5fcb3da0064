"""`linnet.sklearn.LinearRegression` against closed forms, statsmodels, scipy and scikit-learn's own models."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.preprocessing import StandardScaler

from linnet.losses import Huber
from linnet.sklearn import LinearRegression
from linnet.sklearn.options import LOSSES, InvalidParameter


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x [60, 4], y [60], weight [60]."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 4)) * [1.0, 3.0, 0.1, 10.0]
    return x, x @ [1.0, -2.0, 5.0, 0.0] + 7 + rng.normal(size=60), rng.integers(0, 4, 60).astype(float)


def test_least_squares_of_weighted_rows_equals_the_normal_equations(rows: Any) -> None:
    x, y, weight = rows
    model = LinearRegression().fit(x, y, sample_weight=weight)
    design = np.column_stack([np.ones(60), x])
    expected = np.linalg.solve(design.T @ (weight[:, None] * design), design.T @ (weight * y))
    assert np.allclose([model.intercept_, *model.coef_], expected, rtol=1e-11, atol=1e-12)
    assert 0 <= model.optimality_gap_ < 1e-12
    assert model.score(x, y) > 0.9


def test_several_targets_are_fitted_each_on_its_own(rows: Any) -> None:
    x, y, _ = rows
    both = LinearRegression(penalty="l2", strength=0.1).fit(x, np.column_stack([y, y**2]))
    each = LinearRegression(penalty="l2", strength=0.1).fit(x, y**2)
    assert both.coef_.shape == (2, 4) and both.intercept_.shape == (2,)
    assert np.allclose(both.coef_[1], each.coef_, rtol=1e-10)
    assert np.allclose(both.predict(x)[:, 1], each.predict(x), rtol=1e-10)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LinearRegression(penalty="l2", strength=0.5 / 60), Ridge(alpha=0.5)),
        (LinearRegression(penalty="l2", strength=0.5 / 60, fit_intercept=False), Ridge(alpha=0.5, fit_intercept=False)),
        (LinearRegression(penalty="l1", strength=0.3), Lasso(alpha=0.3, tol=1e-14)),
        (
            LinearRegression(penalty="elastic_net", strength=0.3, l1_ratio=0.7),
            ElasticNet(alpha=0.3, l1_ratio=0.7, tol=1e-14),
        ),
    ],
)
def test_penalties_are_those_of_scikit_learn(rows: Any, ours: Any, theirs: Any) -> None:
    x, y, _ = rows
    ours.fit(x, y)
    theirs.fit(x, y)
    assert np.allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-9)
    assert np.isclose(ours.intercept_, theirs.intercept_, rtol=1e-6, atol=1e-9)
    assert 0 <= ours.optimality_gap_ < 1e-9


def test_huber_equals_a_general_minimiser(rows: Any) -> None:
    x, y, weight = rows
    y = y + 50 * (np.arange(60) % 10 == 0)

    def objective(w: np.ndarray) -> float:
        residual = np.abs(x @ w[1:] + w[0] - y)
        value = np.where(residual <= 2, 0.5 * residual**2, 2 * (residual - 1))
        return float((weight * value).sum() / weight.sum() + 0.05 * w[1:] @ w[1:])

    model = LinearRegression(loss=Huber(2.0), penalty="l2", strength=0.1).fit(x, y, weight)
    found = np.array([model.intercept_, *model.coef_])
    best = minimize(objective, found + 0.1, method="BFGS", options={"gtol": 1e-9})
    assert objective(found) <= best.fun + 1e-12
    assert np.allclose(found, best.x, atol=1e-4)


def test_counts_equal_statsmodels_poisson_regression(rows: Any) -> None:
    x = rows[0] / 10
    y = np.random.default_rng(0).poisson(np.exp(x @ [1.0, 0.5, -1.0, 0.3] + 1))
    model = LinearRegression(loss="poisson_nll").fit(x, y)
    expected = sm.GLM(y, sm.add_constant(x), family=sm.families.Poisson()).fit(tol=1e-14)
    assert np.allclose([model.intercept_, *model.coef_], expected.params, rtol=1e-8)
    assert np.allclose(model.predict(x), expected.fittedvalues, rtol=1e-8)


def test_absolute_error_equals_statsmodels_median_regression(rows: Any) -> None:
    x, y, _ = rows
    model = LinearRegression(loss="absolute_error").fit(x, y)
    expected = sm.QuantReg(y, sm.add_constant(x)).fit(q=0.5, p_tol=1e-12, max_iter=5000)
    assert np.allclose([model.intercept_, *model.coef_], expected.params, rtol=1e-4)
    assert np.abs(y - model.predict(x)).sum() <= np.abs(expected.resid).sum() * (1 + 1e-12)


def test_standardising_penalises_effects_per_deviation(rows: Any) -> None:
    x, y, _ = rows
    model = LinearRegression(penalty="l2", strength=0.5, standardize=True).fit(x, y)
    scaler = StandardScaler().fit(x)
    expected = LinearRegression(penalty="l2", strength=0.5).fit(scaler.transform(x), y)
    assert np.allclose(model.coef_, expected.coef_ / scaler.scale_, rtol=1e-12)
    assert np.allclose(model.predict(x), expected.predict(scaler.transform(x)), rtol=1e-12)


def test_names_of_losses_are_those_of_the_configuration(pytestconfig: pytest.Config) -> None:
    assert set(LOSSES) == {path.stem for path in (pytestconfig.rootpath / "conf" / "loss").glob("*.yaml")}
    for name, kind in LOSSES.items():
        text = (pytestconfig.rootpath / "conf" / "loss" / f"{name}.yaml").read_text(encoding="utf-8")
        assert f".{kind.__name__}\n" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"penalty": "l3"}, "penalty is 'l3'"), ({"strength": -1}, r"strength is -1: expected a number in \[0, inf\)"),
        ({"strength": True}, "strength is True"), ({"penalty": "elastic_net", "l1_ratio": 2}, "l1_ratio is 2"),
        ({"loss": "cross_entropy"}, "is one of classification"), ({"loss": "hinge"}, "loss is 'hinge'"),
        ({"tolerance": 0}, r"tolerance is 0: expected a number in \(0, inf\)"),
        ({"loss": "log_cosh"}, "no exact solver for LogCosh"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_named(rows: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        LinearRegression(**options).fit(*rows[:2])
