"""Newton's method: float32 examples certified in float64, and coefficients that are right to rounding."""

import math
import sys

import pytest
import torch

from linnet.data import Examples
from linnet.losses import CrossEntropy, Huber, PoissonNLL
from linnet.penalties import L1, L2, ElasticNet, NoPenalty
from linnet.solvers.convex_losses import Softmax, convex_loss_of
from linnet.solvers.intercept import best_intercept
from linnet.solvers.problem import Problem
from linnet.solvers.solve import solve, threads_for

UNIT = 2.0**-53
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
    assert found.suboptimality_bound <= 1e-8
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


@pytest.mark.parametrize("share", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
def test_coefficients_of_nearly_separable_classes_keep_their_digits(share):
    """One feature of ±1: the log odds at each are logarithms of ratios of weights, however small the objective is."""
    x = torch.tensor([-1.0, -1.0, 1.0, 1.0], dtype=torch.float64)[:, None]
    weight = torch.tensor([1, share, share, 3], dtype=torch.float64)
    examples = Examples(x, torch.tensor([0, 1, 0, 1]), weight / weight.mean())
    found = solve(examples, CrossEntropy(), NoPenalty(), bias=True, tolerance=1e-12 * math.log(2))
    low, high = math.log(share), math.log(3 / share)
    rounding = 64 * UNIT * (abs(low) + abs(high))
    assert float(found.weight[1] - found.weight[0]) == pytest.approx((high - low) / 2, abs=rounding)
    assert float(found.bias[1] - found.bias[0]) == pytest.approx((high + low) / 2, abs=rounding)


@pytest.mark.parametrize("strength", [0.5, 1e-3])
@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.1)], ids=repr)
@pytest.mark.parametrize("seed", range(6))
def test_a_tight_tolerance_brings_the_gradient_down_to_rounding(seed, loss, strength):
    """Weights over twelve powers of ten, and a column twice."""
    stream = torch.Generator().manual_seed(seed)
    x = torch.randn(24, 2, generator=stream, dtype=torch.float64)
    x, y = torch.cat([x, x[:, :1]], 1), torch.arange(24) % 3
    weight = 10 ** (12 * torch.rand(24, generator=stream, dtype=torch.float64) - 6)
    weight = weight / weight.mean()
    found = solve(Examples(x, y, weight), loss, L2(strength), bias=True, tolerance=1e-12 * math.log(3))
    best = found.weight.clone().requires_grad_()
    value = loss.value((x @ best.T + found.bias)[None], y)[0]
    ((value * weight).mean() + strength / 2 * best.square().sum()).backward()
    terms = (weight[:, None] * x.abs()).mean(0).norm() + strength * found.weight.norm()
    assert best.grad is not None
    assert float(best.grad.norm()) <= 4 * len(x) * UNIT * float(terms)


def test_a_good_bias_is_not_searched_for_in_rounding_errors(draw, monkeypatch):
    examples = draw(CrossEntropy(), n_examples=20_000)
    problem = Problem(examples.x, examples.y, convex_loss_of(CrossEntropy()), 3, 0.0, 0.1, True)
    passes, value_and_theta = [], Softmax.value_and_theta
    monkeypatch.setattr(Softmax, "value_and_theta", lambda self, z, y: passes.append(1) or value_and_theta(self, z, y))
    bias = best_intercept(problem, *problem.zeros())
    mean = problem.convex_loss.value_and_theta(problem.predict(problem.zeros()[0], bias), examples.y)[1].mean(1)
    assert float(mean.abs().max()) < 8 * UNIT
    assert len(passes) < 20
