"""Folds of softmax regression side by side: against scikit-learn, one solve each, and what is left to that."""

import numpy as np
import pytest
import torch
from own_features import Counted
from sklearn.linear_model import LogisticRegression

from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.relative import Rows
from linnet.solvers.resampled import folds as module
from linnet.solvers.resampled.folds import FoldOptima, solve_folds
from linnet.solvers.resampled.softmax_folds import softmax_folds
from linnet.solvers.resampled.softmax_rows import HIGH, LOW, FoldRows

STRENGTHS = 0.3, 1e-2, 1e-4


def drawn(n: int = 600, d: int = 7, *, offset: float = 0.0, scale: float = 1.0, ties: bool = False) -> Rows:
    stream = np.random.default_rng(0)
    x = stream.normal(size=(n, d))
    x = np.round(x) if ties else x
    y = (x @ stream.normal(size=(d, 4)) + 2 * stream.gumbel(size=(n, 4))).argmax(1)
    return Rows(torch.from_numpy(x * scale + offset), torch.from_numpy(y))


def solved(rows: Rows, fold: torch.Tensor, tolerance: float = 1e-9) -> FoldOptima:
    return solve_folds(
        rows, Counted.of_folds(fold), CrossEntropy(), [L2(each) for each in STRENGTHS], bias=True, n_outputs=4,
        tolerance=tolerance,
    )  # fmt: skip


def objective(rows: Rows, kept: torch.Tensor, strength: float, weight: torch.Tensor, bias: torch.Tensor) -> float:
    """In plain torch: weighted mean of cross-entropies, and λ/2 ‖W‖²."""
    losses = torch.nn.functional.cross_entropy(rows.x[kept] @ weight.T + bias, rows.y[kept], reduction="none")
    share = torch.ones(len(losses), dtype=torch.float64) if rows.weight is None else rows.weight[kept]
    return float((losses * share).sum() / share.sum() + strength / 2 * weight.square().sum())


@pytest.mark.parametrize(
    ("given", "weighted"),
    [({}, False), ({}, True), ({"offset": 30.0}, False), ({"scale": 0.1}, False), ({"ties": True}, True)],
    ids=str,
)
def test_objectives_are_those_of_scikit_learn_and_bounds_hold(monkeypatch, given, weighted):
    rows = drawn(**given)
    if weighted:
        rows = Rows(rows.x, rows.y, torch.from_numpy(np.random.default_rng(1).uniform(0.1, 3, 600)))
    monkeypatch.setattr(module, "_solve_one", None)  # all are proven side by side
    fold = torch.arange(600) % 4
    found = solved(rows, fold)
    assert float(found.gap.max()) <= 1e-9 * found.scale
    centred = (rows.x - rows.x.mean(0)).numpy()  # the same optima, and steps of its own are better conditioned
    for f in range(4):
        kept = fold != f
        total = kept.sum().item() if rows.weight is None else float(rows.weight[kept].sum())
        share = None if rows.weight is None else rows.weight[kept].numpy()
        for s, strength in enumerate(STRENGTHS):
            theirs = LogisticRegression(C=1 / (total * strength), solver="newton-cg", tol=1e-10, max_iter=500)
            theirs.fit(centred[kept], rows.y[kept], share)
            weight = torch.from_numpy(theirs.coef_)
            bias = torch.from_numpy(theirs.intercept_) - weight @ rows.x.mean(0)
            reference = objective(rows, kept, strength, weight, bias)
            ours = objective(rows, kept, strength, found.weight[s, f], found.bias[s, f])
            rounding = 1e-13  # of two means of some 600 numbers near 1
            assert ours - reference <= float(found.gap[s, f]) + rounding
            torch.testing.assert_close(found.weight[s, f], weight, rtol=1e-3, atol=1e-3 * float(weight.abs().max()))


def test_separable_classes_and_folds_left_out_one_by_one_have_proven_optima():
    rows = drawn(n=60)
    rows = Rows(torch.cat([rows.x, torch.nn.functional.one_hot(rows.y, 4).double()], 1), rows.y)
    found = solved(rows, torch.arange(60))
    assert float(found.gap.max()) <= 1e-9 * found.scale
    for f in (0, 59):
        kept = torch.arange(60) != f
        for s, strength in enumerate(STRENGTHS):
            theirs = LogisticRegression(C=1 / (59 * strength), solver="newton-cg", tol=1e-10, max_iter=500)
            theirs.fit(rows.x[kept], rows.y[kept])
            weight, bias = torch.from_numpy(theirs.coef_), torch.from_numpy(theirs.intercept_)
            ours = objective(rows, kept, strength, found.weight[s, f], found.bias[s, f])
            assert ours - objective(rows, kept, strength, weight, bias) <= float(found.gap[s, f]) + 1e-13


def test_a_class_missing_in_a_fold_or_a_weight_of_zero_is_left_to_one_solve_each():
    rows, fold = drawn(), torch.arange(600) % 4
    weights = torch.ones(600, dtype=torch.float64)
    weights[0] = 0.0
    for given, folds in ((Rows(rows.x, rows.y, weights), fold), (rows, (rows.y == 0).long())):
        assert softmax_folds(
            given, Counted.of_folds(folds), CrossEntropy(), [L2(0.1)] * 9, None, bias=True, n_outputs=4,
            tolerance=1e-6, start=None,
        ) is None  # fmt: skip
    found = solved(Rows(rows.x, rows.y, weights), fold, 1e-6)
    without = solved(Rows(rows.x[1:], rows.y[1:]), fold[1:], 1e-6)
    torch.testing.assert_close(found.weight[2], without.weight[2], rtol=0, atol=0.05)
    with pytest.raises(ValueError, match="no finite optimum of resample 0 exists"):
        solved(rows, (rows.y == 0).long(), 1e-6)


def test_one_pass_computes_the_loss_and_gradient_of_each_fold():
    rows, fold = drawn(n=90), torch.arange(90) % 3 - 1  # a third is held out by none
    shared = FoldRows(rows.x, rows.y, None, fold, 4, bias=True)
    weight = torch.randn(3, 4, 7, dtype=HIGH, generator=torch.Generator().manual_seed(0)).requires_grad_()
    bias = torch.zeros(3, 4, dtype=HIGH, requires_grad=True)
    losses = []
    for f in range(3):  # the last is the model of all examples
        kept = fold != f
        logits = (rows.x[kept] - rows.x.mean(0)) @ weight[f].T + bias[f]
        losses.append(torch.nn.functional.cross_entropy(logits, rows.y[kept]))
    torch.stack(losses).sum().backward()
    for dtype, close in ((HIGH, 1e-12), (LOW, 1e-5)):
        point = shared.evaluate(weight.detach(), bias.detach(), slice(0, 3), dtype)
        torch.testing.assert_close(point.loss, torch.stack(losses).detach(), rtol=close, atol=close)
        torch.testing.assert_close(point.weight, weight.grad, rtol=close, atol=close)
        torch.testing.assert_close(point.bias, bias.grad, rtol=close, atol=close)
