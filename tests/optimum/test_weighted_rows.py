"""Optima of weighted squared error: against numpy, against rows written out, and against points nearby."""

import re
import sys

import numpy as np
import pytest
import torch

from linnet.data import Examples
from linnet.losses import AbsoluteError, CrossEntropy, GaussianNLL, Huber, PoissonNLL, SquaredError, TorchSquaredError
from linnet.optimum import curvature, solve
from linnet.penalties import L1, L2, ElasticNet, NoPenalty

COUNTS = torch.tensor([0, 1, 2, 3] * 15)
PENALTIES = [NoPenalty(), L1(0.1), L2(0.2), ElasticNet(0.3)]


def weighted(draw, loss) -> Examples:
    examples = draw(loss)
    return Examples(examples.x, examples.y, 0.7 * COUNTS.double())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("loss", [SquaredError(), TorchSquaredError(), GaussianNLL(0.5)], ids=repr)
def test_integer_weights_are_copies_of_rows(draw, loss, penalty, bias):
    examples = weighted(draw, loss)
    rows = torch.repeat_interleave(torch.arange(60), COUNTS)
    found = solve(examples, loss, penalty, bias=bias, tolerance=1e-12)
    expected = solve(Examples(examples.x[rows], examples.y[rows]), loss, penalty, bias=bias, tolerance=1e-12)
    torch.testing.assert_close(found.weight, expected.weight, rtol=0, atol=1e-6 if penalty.absolute else 1e-12)
    torch.testing.assert_close(found.bias, expected.bias, rtol=0, atol=1e-6 if penalty.absolute else 1e-12)
    assert found.objective == pytest.approx(expected.objective, rel=1e-11)
    assert found.bound <= 1e-11
    assert found.unique == expected.unique


@pytest.mark.parametrize("bias", [True, False])
def test_is_numpys_least_squares_of_weighted_rows(draw, bias):
    examples = weighted(draw, SquaredError())
    found = solve(examples, SquaredError(), NoPenalty(), bias=bias)
    x, y, root = examples.x.numpy(), examples.y.numpy(), np.sqrt(COUNTS.numpy())[:, None]
    design = np.hstack([x, np.ones((60, 1))]) if bias else x
    expected = np.linalg.lstsq(root * design, root * y, rcond=None)[0]
    np.testing.assert_allclose(found.weight.T, expected[:4], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.bias, expected[4] if bias else 0.0, rtol=0, atol=1e-12)
    residual = y - design @ expected
    assert found.objective == pytest.approx((COUNTS.numpy() @ residual**2).sum() / (2 * COUNTS.sum().item()), rel=1e-12)


@pytest.mark.parametrize("loss", [Huber(1.0), AbsoluteError(), PoissonNLL(), CrossEntropy()], ids=repr)
def test_of_another_loss_are_refused_and_not_ignored(draw, loss):
    with pytest.raises(ValueError, match="known for squared error only"):
        solve(weighted(draw, loss), loss, L2(0.1), bias=True)


@pytest.mark.parametrize("weight", [torch.ones(3), -torch.ones(60), torch.zeros(60), torch.full((60,), torch.nan)])
def test_weights_that_are_none_are_refused(draw, weight):
    examples = draw(SquaredError())
    with pytest.raises(ValueError, match=re.escape(f"weights are ({len(weight)},)")):
        solve(Examples(examples.x, examples.y, weight), SquaredError(), NoPenalty(), bias=True)


@pytest.mark.parametrize("bias", [True, False])
def test_curvature_is_that_of_copied_rows(draw, bias, monkeypatch):
    monkeypatch.setattr(sys.modules[curvature.__module__], "BLOCK", 25)  # the function hides its module
    x = draw(SquaredError()).x
    found = curvature(x, SquaredError(), L2(0.1), bias=bias, sample_weight=COUNTS.double() / 3)
    expected = curvature(torch.repeat_interleave(x, COUNTS, 0), SquaredError(), L2(0.1), bias=bias)
    assert found.exact
    assert found.largest == pytest.approx(expected.largest, rel=1e-12)
    assert found.smallest == pytest.approx(expected.smallest, rel=1e-10)
