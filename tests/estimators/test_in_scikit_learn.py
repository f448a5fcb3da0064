"""The estimators among scikit-learn's tools: pipelines, searches, calibration, frames, routing, pickles."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.sparse import csr_array, csr_matrix
from sklearn import linear_model
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from linnet.losses import Huber
from linnet.sklearn import LinearRegression, SoftmaxRegression

X, Y = load_iris(return_X_y=True)


def test_grid_search_in_a_pipeline() -> None:
    steps = make_pipeline(StandardScaler(), SoftmaxRegression())
    grid = {"softmaxregression__strength": np.logspace(-4, 0, 3), "softmaxregression__penalty": ["l2", "l1"]}
    search = GridSearchCV(steps, grid, cv=3).fit(X, Y)
    assert search.best_score_ > 0.94
    assert search.predict_proba(X).shape == (150, 3)


def test_cross_validation_scores_by_accuracy_and_by_r2() -> None:
    assert cross_val_score(SoftmaxRegression(), X, Y, cv=3).min() > 0.94
    r2 = cross_val_score(LinearRegression(), X[:, :3], X[:, 3], cv=3)
    expected = cross_val_score(linear_model.LinearRegression(), X[:, :3], X[:, 3], cv=3)
    assert np.allclose(r2, expected, rtol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibration(n_classes: int) -> None:
    kept = n_classes > Y
    calibrated = CalibratedClassifierCV(SoftmaxRegression(), cv=3).fit(X[kept], Y[kept])
    assert np.allclose(calibrated.predict_proba(X[kept]).sum(1), 1)
    assert calibrated.score(X[kept], Y[kept]) > 0.94


@pytest.mark.parametrize("model", [SoftmaxRegression(), LinearRegression(loss=Huber(0.5), penalty="l2")])
def test_pickles_and_clones(model: Any) -> None:
    fitted = clone(model).fit(X, Y)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict(X), fitted.predict(X)) and again.optimality_gap_ == fitted.optimality_gap_
    empty = clone(fitted)
    assert empty.get_params().keys() == model.get_params().keys() and not hasattr(empty, "coef_")
    assert np.array_equal(empty.fit(X, Y).coef_, fitted.coef_)


def test_frames_of_pandas_and_polars() -> None:
    names = ["a", "b", "c", "d"]
    expected = SoftmaxRegression().fit(X, Y)
    species = np.array(["setosa", "versicolor", "virginica"])[Y]
    for frame, y in (
        (pd.DataFrame(X, columns=names), pd.Series(species)),
        (pl.DataFrame(X, schema=names), pl.Series(species)),
    ):
        model = SoftmaxRegression().fit(frame, y)
        assert list(model.feature_names_in_) == names and np.array_equal(model.coef_, expected.coef_)
        assert set(model.predict(frame)) == set(species)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame[["b", "a", "c", "d"]])


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_pipelines_that_pass_frames_on(container: str) -> None:
    steps = make_pipeline(StandardScaler(), SoftmaxRegression()).set_output(transform=container)
    steps.fit(pd.DataFrame(X, columns=list("abcd")), Y)
    assert list(steps[-1].feature_names_in_) == ["a", "b", "c", "d"]
    assert steps.score(pd.DataFrame(X, columns=list("abcd")), Y) > 0.94


@pytest.mark.parametrize("sparse", [csr_matrix, csr_array])
def test_sparse_rows_give_the_coefficients_of_dense_ones(sparse: Any) -> None:
    x = X * (X > 2)
    for model in (SoftmaxRegression(), LinearRegression(penalty="l2")):
        dense = clone(model).fit(x, Y)
        found = clone(model).fit(sparse(x), Y)
        assert np.allclose(found.coef_, dense.coef_, rtol=1e-8)
        assert np.allclose(found.predict(sparse(x)), dense.predict(x), rtol=1e-8)


def test_weights_are_routed_through_cross_validation() -> None:
    weight = np.where(Y == 2, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = SoftmaxRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        found = cross_validate(model, X, Y, params={"sample_weight": weight}, cv=3, return_estimator=True)
    assert all((fold.predict(X) != 2).all() for fold in found["estimator"])
