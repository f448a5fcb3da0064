"""Runs with `optimizer=exact` and folds: against scikit-learn's pipelines, which see nothing of what is left out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import table_runs
from safetensors.numpy import load_file
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

STRENGTH = 0.01
N_FOLDS = 4


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def with_folds(frame: pd.DataFrame) -> pd.DataFrame:
    """Draw folds of equal sizes; rows that are too many are left out."""
    frame = frame.iloc[: len(frame) // N_FOLDS * N_FOLDS].reset_index(drop=True)
    return frame.assign(fold=np.random.default_rng(0).permutation(len(frame)) % N_FOLDS)


def train(frame: pd.DataFrame, *options: str) -> pd.DataFrame:
    """Return the out-of-fold predictions of a run on this table, by its own folds."""
    frame.to_csv("f.csv", index=False)
    fold = ("data.fold=fold", "resampling=given_folds", "data.dtype=float64", f"penalty.strength={STRENGTH}")
    assert table_runs.train("data.path=f.csv", "penalty=l2", *fold, *options) == 0
    return pd.read_parquet("run/out_of_fold.parquet")


def metrics() -> dict[str, float]:
    return json.loads(Path("run/metrics.json").read_text())


def expected(frame: pd.DataFrame, model, columns, method: str = "predict") -> np.ndarray:
    pipeline = make_pipeline(columns, StandardScaler(), model)
    x = frame.drop(columns=["y", "fold"])
    return cross_val_predict(pipeline, x, frame["y"], cv=PredefinedSplit(frame["fold"]), method=method)


def logistic(n: int, factor: int) -> LogisticRegression:
    n_fold = n * (N_FOLDS - 1) / N_FOLDS
    return LogisticRegression(C=factor / (n_fold * STRENGTH), tol=1e-12, max_iter=1000, solver="newton-cholesky")


def test_ridge_of_numbers_with_an_outlier_in_one_fold():
    data = load_diabetes(as_frame=True, scaled=False)
    frame = with_folds(data.frame.rename(columns={"target": "y"}))
    frame.loc[3, "bmi"] = 1e6  # a standardisation by all rows would hide this column from the other folds
    found = train(frame)
    wanted = expected(frame, Ridge(alpha=len(frame) * 3 / 4 * STRENGTH), "passthrough")
    np.testing.assert_allclose(found["prediction"], wanted, rtol=1e-9)
    assert metrics()["cv/gap"] <= 1e-10
    leaking = StandardScaler().fit_transform(frame.drop(columns=["y", "fold"]))
    ridge = Ridge(alpha=len(frame) * 3 / 4 * STRENGTH)
    leaked = cross_val_predict(ridge, leaking, frame["y"], cv=PredefinedSplit(frame["fold"]))
    assert np.abs(found["prediction"] - leaked).max() > 1


@pytest.mark.parametrize(("load", "factor"), [(load_wine, 1), (load_breast_cancer, 2)])
def test_softmax_of_numbers(load, factor):
    data = load(as_frame=True)
    frame = with_folds(data.frame.rename(columns={"target": "y"}))
    found = train(frame)
    wanted = expected(frame, logistic(len(frame), factor), "passthrough", "predict_proba")
    np.testing.assert_allclose(found.filter(like="probability_"), wanted, rtol=0, atol=1e-6)
    assert load_file("run/resample_weights.safetensors")["weight"].shape == (
        N_FOLDS,
        factor_classes(wanted),
        13 if factor == 1 else 30,
    )


def factor_classes(probabilities: np.ndarray) -> int:
    return probabilities.shape[1]


@pytest.mark.parametrize("classes", [False, True])
def test_a_table_with_missing_values_and_categories(classes):
    data = load_diabetes(as_frame=True, scaled=False)
    frame = data.frame.rename(columns={"target": "y", "sex": "kind"})
    frame["kind"] = frame["kind"].map({1.0: "a", 2.0: "b"})
    frame["region"] = pd.cut(frame["age"], 4, labels=["n", "e", "s", "w"]).astype(str)
    generator = np.random.default_rng(1)
    for name in ("bmi", "s5"):
        frame.loc[generator.random(len(frame)) < 0.1, name] = np.nan
    if classes:
        frame["y"] = np.where(frame["y"] > 140, "high", "low")
    frame = with_folds(frame)
    found = train(frame, "data.missing=mean")
    categories = ["kind", "region"]
    numbers = [name for name in frame if name not in (*categories, "y", "fold")]
    columns = make_column_transformer(
        (SimpleImputer(add_indicator=True), numbers), (OneHotEncoder(sparse_output=False), categories)
    )
    if classes:
        wanted = expected(frame, logistic(len(frame), 2), columns, "predict_proba")
        np.testing.assert_allclose(found.filter(like="probability_"), wanted, rtol=0, atol=1e-6)
    else:
        wanted = expected(frame, Ridge(alpha=len(frame) * 3 / 4 * STRENGTH), columns)
        np.testing.assert_allclose(found["prediction"], wanted, rtol=1e-6)


def test_leave_one_out_of_least_squares_is_a_closed_form_and_beside_it_stands_gcv():
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "y"}).iloc[:60]
    frame.to_csv("f.csv", index=False)
    assert table_runs.train("data.path=f.csv", "resampling=leave_one_out", "data.dtype=float64") == 0
    x = np.column_stack([np.ones(60), frame.drop(columns="y")])
    hat = x @ np.linalg.pinv(x)
    residual = frame["y"] - hat @ frame["y"]
    found = metrics()
    assert found["cv/mse"] == pytest.approx(np.mean((residual / (1 - np.diag(hat))) ** 2), rel=1e-9)
    assert found["cv/gcv"] == pytest.approx(np.mean(residual**2) / (1 - 11 / 60) ** 2, rel=1e-9)


def test_a_fold_without_an_optimum_is_refused_in_one_line(capsys):
    frame = pd.DataFrame({"x": range(8), "y": list("aaababbb"), "fold": [0, 0, 0, 1, 1, 2, 2, 2]})
    frame.to_csv("f.csv", index=False)
    options = ("data.fold=fold", "resampling=given_folds")
    assert table_runs.train("data.path=f.csv", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("linnet: optimizer=exact: no finite optimum of resample 1 exists")
