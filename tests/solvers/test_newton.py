"""Newton's method in mixed precision: float32 examples, certified in float64."""

import sys

import pytest
import torch

from linnet.data import Examples
from linnet.losses import CrossEntropy, Huber, PoissonNLL
from linnet.penalties import L1, L2, ElasticNet, NoPenalty
from linnet.solvers import solve
from linnet.solvers.threads import threads_for

LOSSES = [CrossEntropy(), Huber(0.7), PoissonNLL()]


@pytest.mark.parametrize("penalty", [NoPenalty(), L2(0.02), L1(0.03), ElasticNet(0.05)], ids=repr)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_large_float32_problems_reach_what_small_ones_do(draw, monkeypatch, loss, penalty):
    examples = draw(loss)
    y = examples.y.float() if examples.y.is_floating_point() else examples.y
    low = Examples(examples.x.float(), y)
    exact = solve(low, loss, penalty, bias=True)
    monkeypatch.setattr(sys.modules["linnet.solvers.solve"], "SMALL", 0)
    found = solve(low, loss, penalty, bias=True)
    assert found.bound <= 1e-8
    assert found.objective == pytest.approx(exact.objective, abs=1e-8)
    assert found.weight.dtype == torch.float64


def test_examples_sorted_by_class_are_sampled_fairly(draw):
    examples = draw(CrossEntropy(), n_examples=300)
    order = examples.y.argsort()
    shuffled = solve(examples, CrossEntropy(), L2(0.02), bias=True)
    ordered = solve(examples.take(order), CrossEntropy(), L2(0.02), bias=True)
    assert ordered.objective == pytest.approx(shuffled.objective, abs=2e-8)


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with threads_for(0):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with threads_for(10**9):
        assert torch.get_num_threads() == before
