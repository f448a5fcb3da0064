"""Data that break lesser estimators: one class, one row, separable classes, offsets, zero weights."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from linnet.sklearn import LinearRegression, SoftmaxRegression
from linnet.sklearn.exact import _scaling
from linnet.solvers.relative import Rows

X = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, -1.0], [4.0, 0.0], [5.0, 2.0], [7.0, -2.0]])
Y = np.array([0, 1, 0, 1, 0, 1])


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_one_class_has_probability_one() -> None:
    model = SoftmaxRegression().fit(X, np.full(6, 4))
    assert np.array_equal(model.predict_proba(X), np.ones((6, 1))) and set(model.predict(X)) == {4}
    assert not model.coef_.any() and model.optimality_gap_ < 1e-12


def test_class_without_weight_has_probability_zero() -> None:
    y = np.array([0, 1, 0, 1, 2, 2])
    model = SoftmaxRegression().fit(X, y, sample_weight=[1, 1, 1, 1, 0, 0])
    expected = SoftmaxRegression().fit(X[:4], y[:4])
    assert np.allclose(model.predict_proba(X)[:, :2], expected.predict_proba(X), rtol=1e-9)
    assert not model.predict_proba(X)[:, 2].any()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_separable_classes_without_a_penalty_warn_and_are_separated(n_classes: int) -> None:
    y = np.arange(6) * n_classes // 6
    with pytest.warns(ConvergenceWarning, match="the loss has no minimum without a penalty.*use penalty='l2'"):
        model = SoftmaxRegression(penalty=None).fit(X, y)
    loss = -model.predict_log_proba(X)[np.arange(6), y].mean()
    assert np.isfinite(model.coef_).all() and model.score(X, y) == 1
    assert 0 < loss <= model.optimality_gap_ <= 1e-6 * np.log(n_classes) * 1.001


def test_partly_separable_classes_come_near_their_infimum() -> None:
    # Feature 0 separates class 2; of the others, which share x = 0, only shares are left: entropy of 1:2, on half.
    x, y = np.array([[0.0]] * 3 + [[1.0]] * 3), np.array([0, 1, 1, 2, 2, 2])
    with pytest.warns(ConvergenceWarning):
        model = SoftmaxRegression(penalty=None).fit(x, y)
    infimum = -(np.log(1 / 3) + 2 * np.log(2 / 3)) / 6
    loss = -model.predict_log_proba(x)[np.arange(6), y].mean()
    assert 0 <= loss - infimum <= model.optimality_gap_ < 2e-6


def test_counts_of_zero_have_no_minimum() -> None:
    with pytest.raises(ValueError, match="no finite coefficients minimise the loss"):
        LinearRegression(loss="poisson_nll").fit(X, np.zeros(6))


@pytest.mark.parametrize("penalty", [None, "l2", "l1"])
@pytest.mark.parametrize("model", [LinearRegression(), LinearRegression(loss="huber"), SoftmaxRegression()])
def test_large_offsets_change_the_intercept_only(model: Any, penalty: str | None) -> None:
    model.set_params(penalty=penalty, strength=0.01)
    x = np.column_stack([X, np.full(6, 3.0)])
    near = model.fit(x, Y).coef_
    far = model.fit(x + 1e8, Y)
    assert np.allclose(far.coef_, near, rtol=1e-6, atol=1e-9)
    assert np.isfinite(far.optimality_gap_) and far.optimality_gap_ < 1e-6
    assert far.coef_[..., 2] == pytest.approx(0, abs=1e-12)  # a constant column has no effect


def test_one_row_is_its_own_prediction() -> None:
    model = LinearRegression().fit([[3.0, 4.0]], [5.0])
    assert model.predict([[3.0, 4.0]]) == pytest.approx(5.0, abs=1e-14) and not model.coef_.any()
    origin = LinearRegression(fit_intercept=False).fit([[3.0, 4.0]], [5.0])  # the shortest: y x / ‖x‖²
    assert np.allclose(origin.coef_, [0.6, 0.8], rtol=1e-14)


def test_of_collinear_columns_the_shortest_coefficients() -> None:
    x = np.column_stack([X, X @ [1.0, -2.0]])
    model = LinearRegression().fit(x, Y)
    centred = x - x.mean(0)
    assert np.allclose(model.coef_, np.linalg.pinv(centred, rcond=1e-12) @ (Y - Y.mean()), rtol=1e-10)


def test_weights_of_zero_and_two_are_rows_left_out_and_repeated() -> None:
    weight = np.array([0, 2, 1, 1, 2, 1])
    broken = X.copy()
    broken[0] = 1e300
    for model in (LinearRegression(loss="huber", penalty="l2"), SoftmaxRegression()):
        weighted = model.fit(broken, Y, sample_weight=weight).coef_
        repeated = model.fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight)).coef_
        assert np.allclose(weighted, repeated, rtol=1e-7)


@pytest.mark.parametrize("weight", [[1, 1, 1, 1, 1, -1], [0] * 6, [1, 2], [np.nan] * 6, np.ones((6, 1))])
def test_weights_that_are_none_are_refused(weight: Any) -> None:
    for model in (LinearRegression(), SoftmaxRegression()):
        with pytest.raises(ValueError, match="weight"):
            model.fit(X, Y, sample_weight=weight)


def test_float32_is_solved_in_float64() -> None:
    x = (X / 3).astype(np.float32)
    for model in (LinearRegression(penalty="l2"), SoftmaxRegression()):
        single = model.fit(x, Y).coef_
        assert single.dtype == np.float64
        assert np.array_equal(single, model.fit(x.astype(np.float64), Y).coef_)


def test_columns_are_centred_that_are_far_in_all_of_their_rows() -> None:
    near_at_last, far, constant = np.full(200, 5e6), 1e6 + np.random.default_rng(0).random(200), np.full(200, -3.0)
    near_at_last[-1] = 0
    x = torch.from_numpy(np.column_stack([far, near_at_last, constant, far - 1e6, np.zeros(200)]))
    scaling = _scaling(Rows(x, torch.zeros(200)), True, False)
    assert scaling is not None and scaling.deviation.tolist() == [1] * 5
    assert scaling.mean.tolist() == pytest.approx([far.mean(), 0, -3, 0, 0])
    assert _scaling(Rows(x[:, [1, 3, 4]], torch.zeros(200)), True, False) is None
