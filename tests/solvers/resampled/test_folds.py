"""Exact optima of resamples: against scikit-learn's pipelines, and warm starts."""

import numpy as np
import pytest
import torch
from own_features import Counted, OwnStandardisation
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from linnet.losses import AbsoluteError, CrossEntropy, Huber, Loss, PoissonNLL, SquaredError
from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty
from linnet.solvers.relative import Rows, solve_relative
from linnet.solvers.resampled.folds import FoldOptima, solve_folds

STRENGTH = 0.01


def out_of_fold(x: torch.Tensor, y: torch.Tensor, loss: Loss, fold: torch.Tensor) -> tuple[torch.Tensor, FoldOptima]:
    """Predictions `[N, C]` by the model that did not see the example, and the optima."""
    shared = (x - x.mean(0)) / x.std(0, unbiased=False)  # as a run has its columns: standardised by everything
    resamples = Counted.of_folds(fold)
    features = OwnStandardisation.of(shared, resamples.train)
    n_outputs = int(y.max()) + 1 if y.dtype == torch.int64 else y.shape[1]
    start = solve_relative(Rows(shared, y), loss, L2(STRENGTH), bias=True, tolerance=1e-12, n_outputs=n_outputs)
    found = solve_folds(
        Rows(shared, y), resamples, loss, [L2(STRENGTH)], bias=True, n_outputs=n_outputs, tolerance=1e-12,
        features=features, start=(start.weight, start.bias),
    )  # fmt: skip
    assert float(found.gap.max()) <= 1e-12 * found.scale
    weight, bias = features.shared(found.weight[0], found.bias[0])
    return (weight[fold] @ shared[:, :, None])[:, :, 0] + bias[fold], found


def test_ridge_equals_a_pipeline_that_standardises_each_fold():
    data, target = load_diabetes(return_X_y=True, scaled=False)
    fold = torch.randperm(440, generator=torch.Generator().manual_seed(0)) % 5  # 352 examples in each fit
    x, y = torch.from_numpy(data[:440]), torch.from_numpy(target[:440])
    pipeline = make_pipeline(StandardScaler(), Ridge(alpha=352 * STRENGTH))
    wanted = cross_val_predict(pipeline, x.numpy(), y.numpy(), cv=PredefinedSplit(fold.numpy()))
    predicted, found = out_of_fold(x, y[:, None], SquaredError(), fold)
    np.testing.assert_allclose(predicted[:, 0], wanted, rtol=1e-10)
    assert found.solved == 0


@pytest.mark.parametrize(("load", "n", "factor"), [(load_wine, 176, 1), (load_breast_cancer, 568, 2)])
def test_softmax_equals_a_pipeline_that_standardises_each_fold(load, n, factor):
    data, target = load(return_X_y=True)
    x, y = torch.from_numpy(data[:n]), torch.from_numpy(target[:n]).long()
    fold = torch.randperm(n, generator=torch.Generator().manual_seed(0)) % 4
    logistic = LogisticRegression(C=factor / (n * 3 / 4 * STRENGTH), tol=1e-12, max_iter=1000, solver="newton-cholesky")
    pipeline = make_pipeline(StandardScaler(), logistic)
    wanted = cross_val_predict(pipeline, x.numpy(), y.numpy(), cv=PredefinedSplit(fold.numpy()), method="predict_proba")
    predicted, _ = out_of_fold(x, y, CrossEntropy(), fold)
    np.testing.assert_allclose(predicted.softmax(1), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "penalties"),
    [
        (Huber(0.5), [L2(0.1), L2(0.01)]), (AbsoluteError(), [L1(0.1)]), (PoissonNLL(), [NoPenalty()]),
        (SquaredError(), [L1(0.3), L1(0.1)]), (CrossEntropy(), [ElasticNet(0.1), ElasticNet(0.01)]),
    ],
    ids=repr,
)  # fmt: skip
def test_warm_starts_along_folds_and_strengths_change_no_optimum(draw, loss: Loss, penalties: list[Penalty]):
    examples = draw(loss, n_outputs=2)
    resamples = Counted.of_folds(torch.arange(60) % 3)
    features = OwnStandardisation.of(examples.x, resamples.train)
    start = solve_relative(examples, loss, penalties[0], bias=True, tolerance=1e-12, n_outputs=2)
    found = solve_folds(
        examples, resamples, loss, penalties, bias=True, n_outputs=2, tolerance=1e-12, features=features,
        start=(start.weight, start.bias),
    )  # fmt: skip
    assert found.solved == 3 * len(penalties) and float(found.gap.max()) <= 1e-9 * found.scale
    for f in range(3):
        kept = resamples.train[f] > 0
        rows = Rows(features.features_of(f, examples.x)[kept], examples.y[kept])
        for s, penalty in enumerate(penalties):
            cold = solve_relative(rows, loss, penalty, bias=True, tolerance=1e-12, n_outputs=2)
            torch.testing.assert_close(found.weight[s, f], cold.weight, rtol=1e-6, atol=1e-6)


def test_a_resample_without_an_optimum_is_named():
    x = torch.arange(8, dtype=torch.float64)[:, None]
    y = torch.tensor([0, 0, 0, 1, 0, 1, 1, 1])  # separable without examples 3 and 4
    resamples = Counted.of_folds(torch.tensor([0, 0, 0, 1, 1, 2, 2, 2]))
    with pytest.raises(ValueError, match=r"no finite optimum of resample 1 exists \(.*separates"):
        solve_folds(Rows(x, y), resamples, CrossEntropy(), [NoPenalty()], bias=True, n_outputs=2, tolerance=1e-8)
