"""`linnet.sklearn.SoftmaxRegression` against statsmodels, scikit-learn and closed forms."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

from linnet.losses import CrossEntropy
from linnet.sklearn import SoftmaxRegression


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    """x [150, 3] and overlapping classes "a", "b", "c" [150]."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 150)
    return rng.normal(size=(150, 3)) + y[:, None] * [1.0, -0.5, 0.0], np.array(["a", "b", "c"])[y]


def objective(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Mean cross-entropy + strength/2 ‖W‖²."""
    p = model.predict_proba(x)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return float(-np.log(p).mean() + model.strength / 2 * np.square(model.coef_).sum())


def test_without_a_penalty_equals_statsmodels_multinomial_logit(rows: Any) -> None:
    x, y = rows
    model = SoftmaxRegression(penalty=None).fit(x, y)
    expected = sm.MNLogit(np.unique(y, return_inverse=True)[1], sm.add_constant(x)).fit(
        method="newton", tol=1e-14, disp=0
    )
    ours = np.column_stack([model.intercept_, model.coef_])
    assert np.allclose((ours[1:] - ours[0]).T, expected.params, rtol=1e-7)
    assert np.allclose(ours.sum(0), 0, atol=1e-9)
    assert np.allclose(model.predict_proba(x), expected.predict(), rtol=1e-7)
    assert list(model.classes_) == ["a", "b", "c"] and set(model.predict(x)) <= {"a", "b", "c"}


@pytest.mark.parametrize("classes", [2, 3])
def test_l2_is_scikit_learns_c(rows: Any, classes: int) -> None:
    x, y = rows
    x, y = (x, y) if classes == 3 else (x[y != "b"], y[y != "b"])
    strength = 0.01
    model = SoftmaxRegression(strength=strength).fit(x, y)
    c = (1 if classes == 3 else 2) / (strength * len(y))
    expected = LogisticRegression(C=c, tol=1e-12, solver="newton-cholesky").fit(x, y)
    assert model.coef_.shape == expected.coef_.shape and model.intercept_.shape == expected.intercept_.shape
    assert np.allclose(model.coef_, expected.coef_, rtol=1e-6)
    assert np.allclose(model.intercept_, expected.intercept_, rtol=1e-6)
    assert np.allclose(model.decision_function(x), expected.decision_function(x), rtol=1e-5)
    assert np.allclose(model.predict_log_proba(x), expected.predict_log_proba(x), rtol=1e-5)


def test_gap_bounds_the_distance_to_the_minimum() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 2000)
    x = rng.normal(size=(2000, 40)) + rng.normal(size=(10, 40))[y]
    found = SoftmaxRegression(strength=1e-3, tolerance=1e-3).fit(x, y)
    best = SoftmaxRegression(strength=1e-3, tolerance=1e-11).fit(x, y)
    distance = objective(found, x, y) - objective(best, x, y)
    assert 1e-14 < distance <= found.optimality_gap_ < 1e-3 * np.log(10)
    assert 0 < best.optimality_gap_ < 1e-11 and best.n_iter_ >= found.n_iter_ > 1


@pytest.mark.parametrize("weighting", ["balanced", {"a": 2.0, "b": 0.5, "c": 1.0}])
def test_class_weights_are_weights_of_examples(rows: Any, weighting: Any) -> None:
    x, y = rows
    own = {name: 50 / (y == name).sum() for name in "abc"} if weighting == "balanced" else weighting
    model = SoftmaxRegression(class_weight=weighting).fit(x, y)
    expected = SoftmaxRegression().fit(x, y, sample_weight=[own[name] for name in y])
    assert np.allclose(model.coef_, expected.coef_, rtol=1e-8)
    assert not np.allclose(model.coef_, SoftmaxRegression().fit(x, y).coef_, rtol=1e-3)


def test_label_smoothing_comes_with_a_loss_object(rows: Any) -> None:
    x, y = rows
    smooth = SoftmaxRegression(loss=CrossEntropy(0.3), penalty=None).fit(x, y)
    # ∂F/∂bias = 0: mean probabilities are the smoothed shares of the classes.
    shares = 0.7 * np.array([(y == name).mean() for name in "abc"]) + 0.1
    assert np.allclose(smooth.predict_proba(x).mean(0), shares, rtol=1e-9)


def test_lasso_leaves_out_features(rows: Any) -> None:
    x, y = rows
    model = SoftmaxRegression(penalty="l1", strength=0.05).fit(x, y)
    expected = LogisticRegression(C=1 / (0.05 * len(y)), l1_ratio=1, solver="saga", tol=1e-10, max_iter=100_000).fit(
        x, y
    )
    assert (model.coef_ == 0).any() and np.array_equal(model.coef_ == 0, expected.coef_ == 0)
    assert np.allclose(model.coef_, expected.coef_, atol=1e-5)
