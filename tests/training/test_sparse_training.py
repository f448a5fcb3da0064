"""Training on sparse rows: the weights of dense training to rounding, and of autograd."""

import resource

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.linear_model import LogisticRegression

from linnet.data import Data, Examples
from linnet.data.storage.examples import Source
from linnet.data.storage.sparse_examples import SparseExamples
from linnet.losses import CrossEntropy, SquaredError
from linnet.models import LinearRegression, SoftmaxRegression
from linnet.models.linear import backpropagate, predict
from linnet.optimizers import SGD, Adam, Momentum
from linnet.penalties import L1, L2, NoPenalty
from linnet.solvers.solve import solve
from linnet.system.errors import Diverged, InputError
from linnet.training.from_python import given_data
from linnet.training.loop import LoopOptions, train_loop

X = np.random.default_rng(0).normal(size=(200, 30)) * (np.random.default_rng(1).random((200, 30)) < 0.2)


def data_of(examples: Examples, task: str) -> Data:
    names = ("a", "b", "c") if task == "classification" else ()
    return Data(Source(task, examples, None, "", class_names=names), examples, examples, None, 32, 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("gradient", ["analytic", "autograd"])
@pytest.mark.parametrize(
    ("optimizer", "penalty"),
    [(SGD(lr=0.3), L1(0.01)), (Adam(lr=0.1), L2(0.01)), (Momentum(lr=0.1, momentum=0.9), NoPenalty())],
    ids=repr,
)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_equals_dense_training(task, optimizer, penalty, gradient, dtype):
    z = X @ np.random.default_rng(2).normal(size=(30, 3))
    y = torch.from_numpy(z.argmax(1)) if task == "classification" else torch.from_numpy(z[:, :2]).to(dtype)
    weight = (torch.arange(200) % 3).to(dtype) / 0.995
    kinds = {
        "sparse": SparseExamples.of(scipy.sparse.csr_array(X), y, weight, dtype=dtype),
        "dense": Examples(torch.from_numpy(X).to(dtype), y, weight),
    }
    found = {}
    for name, examples in kinds.items():
        network, loss = (
            (SoftmaxRegression, CrossEntropy()) if task == "classification" else (LinearRegression, SquaredError())
        )
        model = network(
            30, 3 if task == "classification" else 2, gradient=gradient, dtype=str(dtype).removeprefix("torch."),
            loss=loss, penalty=penalty, optimizer=optimizer,
        )  # fmt: skip
        result = train_loop(model, data_of(examples, task), LoopOptions(max_epochs=3))
        found[name] = model.weight.detach(), model.bias.detach(), result.history["val/loss"].value
    # 21 updates, each of which adds some roundings of numbers of the order of 1; Adam divides by gradients near 0.
    tolerance = 1e4 * torch.finfo(dtype).eps
    for ours, theirs in zip(found["sparse"], found["dense"], strict=True):
        assert np.asarray(ours) == pytest.approx(np.asarray(theirs), abs=tolerance)


@pytest.mark.parametrize("n_models", [1, 3])
def test_products_of_models_side_by_side(n_models):
    x = torch.from_numpy(X[:20]).to_sparse_coo()
    weight, bias = torch.randn(n_models, 2, 30).double(), torch.randn(n_models, 2).double()
    ours, theirs = predict(x, weight, bias, 0.5), predict(x.to_dense(), weight, bias, 0.5)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=1e-14)
    for a, b in zip(
        backpropagate(x, theirs, bias=True, scale=0.5),
        backpropagate(x.to_dense(), theirs, bias=True, scale=0.5),
        strict=True,
    ):
        assert torch.allclose(a, b, atol=1e-14)


def test_divergence_names_a_stable_rate():
    y = torch.from_numpy(X[:, :1] * 1.0)
    examples = SparseExamples.of(scipy.sparse.csr_array(X), y, dtype=torch.float64)
    model = LinearRegression(30, 1, dtype="float64", optimizer=SGD(lr=1e6))
    with pytest.raises(Diverged, match=r"optimizer\.lr="):
        train_loop(model, data_of(examples, "regression"), LoopOptions(max_epochs=30))


def test_a_run_refuses_sparse_features_and_names_the_estimators():
    with pytest.raises(InputError, match=r"linnet\.sklearn"), given_data(scipy.sparse.csr_array(X), np.zeros(200)):
        pass


def test_texts_are_trained_on_and_solved_without_being_made_dense():
    """Dense, the features would take 3.2 GB. `benchmarks/sparse.py` has more of them."""
    rng = np.random.default_rng(0)
    x = scipy.sparse.random_array((20_000, 20_000), density=1e-3, rng=rng, format="csr")
    labels = (x @ rng.normal(size=20_000) + rng.logistic(size=20_000) > 0).astype(np.int64)
    y, strength, before = torch.from_numpy(labels), 1e-4, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    examples = SparseExamples.of(x, y, dtype=torch.float32)
    model = SoftmaxRegression(20_000, 2, loss=CrossEntropy(), penalty=L2(strength), optimizer=Adam(lr=0.02))
    train_loop(model, data_of(examples, "classification"), LoopOptions(max_epochs=1))
    found = solve(SparseExamples(x, y), CrossEntropy(), L2(strength), bias=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (peak - before) * 1024 < 3e8
    assert found.suboptimality_bound <= 1e-8
    (trained,) = model.training_objective(examples)
    assert found.lower < trained < np.log(2)
    theirs = LogisticRegression(C=2 / (20_000 * strength), solver="newton-cg", tol=1e-6).fit(x, labels)
    half = torch.from_numpy(np.concatenate([-theirs.coef_, theirs.coef_])) / 2
    z = torch.from_numpy(x @ half.T.numpy() + np.array([-0.5, 0.5]) * theirs.intercept_)
    objective = float(CrossEntropy().value(z[None], y).mean() + L2(strength).value(half[None])[0])
    assert found.lower <= objective <= found.objective + 1e-8
