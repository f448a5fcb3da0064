"""The largest strength worth trying: against scikit-learn's, and against the optimum there and below."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import lasso_path

from linnet.losses import AbsoluteError, CrossEntropy, Huber, Loss, PoissonNLL, SquaredError
from linnet.penalties import L1, L2, ElasticNet
from linnet.solvers import strengths
from linnet.solvers.relative import Rows
from linnet.solvers.solve import solve
from linnet.solvers.strengths import largest_strength, strength_path


def test_it_is_that_of_lasso_path(draw):
    examples = draw(SquaredError(), n_outputs=1)
    x, y = examples.x - examples.x.mean(0), examples.y - examples.y.mean(0)
    found = largest_strength(examples, SquaredError(), L1(1.0), bias=True, n_outputs=1)
    alphas, _, _ = lasso_path(x.numpy(), y[:, 0].numpy(), alphas=5, eps=0.01)
    assert strength_path(found, 5, 0.01)[1:] == pytest.approx(alphas[1:], rel=1e-4)
    assert found == pytest.approx(alphas[0], rel=1e-10)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", [SquaredError(), Huber(0.5), CrossEntropy(), PoissonNLL()], ids=repr)
def test_all_weights_are_zero_there_and_not_below(draw, loss: Loss, bias: bool):
    examples = draw(loss)
    rows = Rows(examples.x, examples.y, 0.5 + torch.arange(60, dtype=torch.float64) % 3)
    largest = largest_strength(rows, loss, ElasticNet(1.0), bias=bias, n_outputs=3)
    first, below = strength_path(largest, 2, 0.99)
    assert first >= largest
    at, under = (
        solve(rows, loss, ElasticNet(strength), bias=bias, tolerance=1e-10, n_outputs=3) for strength in (first, below)
    )
    assert float(at.weight.abs().max()) <= 1e-12 and float(under.weight.abs().max()) >= 1e-4


@pytest.mark.parametrize("loss", [SquaredError(), Huber(0.5), AbsoluteError(), CrossEntropy(), PoissonNLL()], ids=repr)
def test_the_strongest_of_l2_shrinks_all_weights(draw, loss: Loss):
    examples = draw(loss)
    first = largest_strength(examples, loss, L2(1.0), bias=True, n_outputs=3)
    strong, weak = (
        solve(examples, loss, L2(strength), bias=True, tolerance=1e-8, n_outputs=3).weight
        for strength in (first, 1e-6 * first)
    )
    assert 10 < float(weak.abs().max() / strong.abs().max()) < 10_000


def test_the_strongest_of_l2_does_not_depend_on_the_unit_of_the_target(draw):
    x, y = (part := draw(SquaredError())).x, part.y
    found = [
        largest_strength(Rows(x, targets), SquaredError(), L2(1.0), bias=True, n_outputs=3) for targets in (y, 1e3 * y)
    ]
    assert found[0] == pytest.approx(100 * float(x.square().mean(0).max())) and found[1] == pytest.approx(found[0])


def test_a_path_is_geometric():
    path = strength_path(48.24351, 4, 1e-3)
    assert path == [48.244, 4.8244, 0.48244, 0.048244]
    np.testing.assert_allclose(np.diff(np.log(path)), np.log(0.1), rtol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_softmax_of_many_examples_and_classes_needs_no_logits(bias, monkeypatch):
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.integers(0, 5, 80))
    rows = Rows(torch.from_numpy(rng.normal(size=(80, 4))), y, torch.from_numpy(rng.random(80)))
    known = largest_strength(rows, CrossEntropy(), L2(1.0), bias=bias, n_outputs=5)
    monkeypatch.setattr(strengths, "LARGE", 100)
    assert largest_strength(rows, CrossEntropy(), L2(1.0), bias=bias, n_outputs=5) == pytest.approx(known, rel=1e-6)
