"""Solvers by minibatches: the weights of `linnet.train`, partial_fit, sparse rows, tracked runs."""

import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from scipy.sparse import csr_array
from torch.utils.data import TensorDataset

import linnet
from linnet.optimizers import Exact, Momentum
from linnet.sklearn import LinearRegression, SoftmaxRegression
from linnet.sklearn.options import OPTIMIZERS, InvalidParameter, optimizer_of

RNG = np.random.default_rng(1)
X = RNG.normal(size=(90, 4))
Y = RNG.integers(0, 3, 90)
X[np.arange(90), Y] += 1
WEIGHT = RNG.integers(1, 4, 90).astype(float)
SAME = ("trainer.max_epochs=3", "data.val_fraction=0", "data.dtype=float64", "data.batch_size=16", "seed=4")


def trained(y: Any, *words: str, **given: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of `linnet.train`, for features as trained on."""
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    module = linnet.train(data, overrides=[*SAME, *words], tracked=False, quiet=True, **given).module
    return module.weight[0].numpy(), module.bias[0].numpy()


def test_softmax_has_the_weights_of_train() -> None:
    model = SoftmaxRegression(solver="momentum", lr=0.05, batch_size=16, max_epochs=3, random_state=4, strength=0.01)
    words = "optimizer=momentum", "optimizer.lr=0.05", "penalty=l2", "penalty.strength=0.01", "data.standardize=false"
    weight, _ = trained(Y, *words, sample_weight=WEIGHT)
    assert np.allclose(model.fit(X, Y, sample_weight=WEIGHT).coef_, weight, rtol=1e-12)
    weight, bias = trained(Y, *words)
    assert np.array_equal(model.fit(X, Y).coef_, weight)
    assert np.allclose(model.intercept_, bias - bias.mean(), atol=1e-15)
    assert model.n_iter_ == 3 and np.isnan(model.optimality_gap_) and "nothing is proven" in model.certificate_


def test_regression_has_the_weights_of_train() -> None:
    y = X @ np.array([[1.0, 0.0], [2.0, 1.0], [0.0, -1.0], [0.5, 0.0]])
    model = LinearRegression(
        solver="adam", penalty="l1", strength=0.02, batch_size=16, max_epochs=3, random_state=4, standardize=True
    ).fit(X, y)
    weight, _ = trained(
        y, "optimizer=adam", "penalty=l1", "penalty.strength=0.02", "data.standardize=true", "model=linear_regression",
        "loss=squared_error",
    )  # fmt: skip
    assert np.allclose(model.coef_ * X.std(0), weight, rtol=1e-12)


def test_partial_fit_goes_on_and_is_deterministic() -> None:
    def learn(stored: bool) -> Any:
        model = SoftmaxRegression(solver=Momentum(0.05, 0.9))
        for start in range(0, 90, 30):
            rows = slice(start, start + 30)
            model.partial_fit(X[rows], Y[rows], classes=[0, 1, 2] if start == 0 else None)
            model = pickle.loads(pickle.dumps(model)) if stored else model
        return model

    first, again = learn(False), learn(True)
    assert np.array_equal(first.coef_, again.coef_) and first.score(X, Y) > 0.6
    before = first.coef_
    assert not np.array_equal(first.partial_fit(X, Y).coef_, before)
    assert np.array_equal(first.fit(X, Y).coef_, SoftmaxRegression(solver=Momentum(0.05, 0.9)).fit(X, Y).coef_)


def test_partial_fit_of_numbers_comes_near_the_optimum() -> None:
    y = X @ [1.0, -2.0, 0.0, 3.0] + 1
    model = LinearRegression(solver="sgd", lr=0.1)
    for _ in range(60):
        model.partial_fit(X, y)
    assert np.allclose([model.intercept_, *model.coef_], [1, 1, -2, 0, 3], atol=1e-3)


def test_partial_fit_refuses_what_it_does_not_know() -> None:
    assert not hasattr(SoftmaxRegression(), "partial_fit") and hasattr(SoftmaxRegression(solver="sgd"), "partial_fit")
    model = SoftmaxRegression(solver="sgd")
    with pytest.raises(ValueError, match="classes must be given in the first call"):
        model.partial_fit(X, Y)
    model.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"classes are \[.*1.*\], and were"):
        model.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="which is none of the classes"):
        model.partial_fit(X, Y + 1)
    for options in ({"class_weight": "balanced"}, {"standardize": True}):
        with pytest.raises(InvalidParameter, match="needs all examples at once"):
            SoftmaxRegression(solver="sgd", **options).partial_fit(X, Y, classes=[0, 1, 2])


@pytest.mark.parametrize("model", [SoftmaxRegression(solver="sgd"), LinearRegression(solver="sgd", standardize=True)])
def test_sparse_rows_train_to_the_weights_of_dense_ones(model: Any) -> None:
    x = X * (X > 0.5)
    dense = model.set_params(fit_intercept=False).fit(x, Y).coef_
    assert np.allclose(model.fit(csr_array(x), Y).coef_, dense, rtol=1e-9)


def test_sparse_rows_are_solved_as_dense_ones() -> None:
    x = X * (X > 0.5)
    for model in (SoftmaxRegression(), LinearRegression(penalty="l2"), SoftmaxRegression(standardize=True)):
        dense = model.fit(x, Y).coef_
        assert np.allclose(model.fit(csr_array(x), Y).coef_, dense, rtol=1e-6)


@pytest.mark.parametrize(
    "model",
    [SoftmaxRegression(solver="sgd", max_epochs=2), LinearRegression(penalty="l2", standardize=True)],
)
def test_run_dir_tracks_the_same_fit(model: Any, workplace: Path) -> None:
    expected = model.fit(X, Y).coef_
    model.set_params(run_dir=workplace / "run").fit(X, Y)
    assert np.allclose(model.coef_, expected, rtol=1e-7)
    predicted = model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)
    assert np.allclose(linnet.load(workplace / "run")(X), predicted, rtol=1e-9)
    with pytest.raises(InvalidParameter, match="run_dir: a tracked run would make sparse features dense"):
        model.set_params(run_dir=workplace / "other").fit(csr_array(X), Y)


def test_optimizers_have_the_defaults_of_the_configuration(pytestconfig: pytest.Config) -> None:
    folder = pytestconfig.rootpath / "conf" / "optimizer"
    assert {*OPTIMIZERS, "exact"} == {path.stem for path in folder.glob("*.yaml")}

    def read(name: str) -> dict[str, Any]:
        own = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
        return {key: value for base in own.pop("defaults", []) for key, value in read(base).items()} | own

    for name in OPTIMIZERS:
        options = read(name)
        found = optimizer_of(name, None)
        assert options.pop("_target_").endswith(f".{type(found).__name__}")
        assert {field.name: getattr(found, field.name) for field in fields(found)} == options  # type: ignore[arg-type]


def test_solvers_that_are_none_are_refused() -> None:
    assert isinstance(optimizer_of("exact", 0.1), Exact)
    with pytest.raises(InvalidParameter, match="solver is 'newton'"):
        SoftmaxRegression(solver="newton").fit(X, Y)
    with pytest.raises(InvalidParameter, match="leave one of them out"):
        SoftmaxRegression(solver=Momentum(0.05, 0.9), lr=0.1).fit(X, Y)
    with pytest.raises(InvalidParameter, match="proximal step"):
        SoftmaxRegression(solver="torch_adam", penalty="l1").fit(X, Y)


def test_solving_exactly_imports_no_lightning() -> None:
    code = (
        "import sys, linnet.sklearn as s; s.SoftmaxRegression().fit([[0.], [1.], [2.]], [0, 1, 1]); "
        "print('torch' in sys.modules, 'pytorch_lightning' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
