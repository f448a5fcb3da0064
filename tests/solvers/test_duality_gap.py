"""The duality gap at any point, optimal or not: never less than the true distance, and exactly it where known."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from linnet.losses import CrossEntropy, GaussianNLL, Huber, PoissonNLL, SquaredError
from linnet.penalties import L1, L2, ElasticNet
from linnet.solvers.certificates.duality_gap import duality_gap
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.intercept import best_intercept
from linnet.solvers.problem import Problem
from linnet.solvers.solve import solve

LOSSES = [SquaredError(), GaussianNLL(0.5), Huber(0.7), PoissonNLL(), CrossEntropy(), CrossEntropy(0.1)]
PENALTIES = [L2(0.02), L1(0.03), ElasticNet(0.05)]


def problem_of(examples, loss, penalty, bias) -> Problem:
    return Problem(examples.x, examples.y, convex_loss_of(loss), 3, penalty.l1, penalty.l2, bias)


@settings(max_examples=80)
@given(
    loss=st.sampled_from(LOSSES),
    penalty=st.sampled_from(PENALTIES),
    bias=st.booleans(),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-7, 1e-4, 1e-2, 0.3]),
)
def test_bound_holds_at_random_points(draw, loss, penalty, bias, seed, scale):
    examples = draw(loss, seed, n_features=3)
    best = solve(examples, loss, penalty, bias=bias, tolerance=1e-10)
    stream = torch.Generator().manual_seed(seed)
    weight = best.weight + scale * torch.randn(best.weight.shape, generator=stream, dtype=torch.float64)
    offset = best.bias + bias * scale * torch.randn(best.bias.shape, generator=stream, dtype=torch.float64)
    found = duality_gap(problem_of(examples, loss, penalty, bias), weight, offset)
    assert found.objective - found.bound <= best.objective
    assert found.objective - best.lower >= 0


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_bias_off_its_place_counts(draw, loss, penalty):
    """The bias is not penalised, so the gradient by the weight says nothing of it."""
    examples = draw(loss)
    best = solve(examples, loss, penalty, bias=True, tolerance=1e-12)
    for step in (1e-3, 0.1, 1.0):
        moved = best.bias + step * torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)
        found = duality_gap(problem_of(examples, loss, penalty, True), best.weight, moved)
        assert found.objective - found.bound <= best.objective
        assert found.objective > best.objective


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_for_l2_it_is_strong_convexity_of_the_objective_minimised_over_the_bias(draw, loss):
    problem = problem_of(draw(loss), loss, L2(0.1), True)
    weight, bias = problem.zeros()
    bias = best_intercept(problem, weight, bias)
    theta = problem.convex_loss.value_and_theta(problem.predict(weight, bias), problem.targets)[1]
    expected = problem.transpose(theta).square().sum().item() / (2 * 0.1)
    assert duality_gap(problem, weight, bias).bound == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_best_bias_zeroes_the_mean_derivative(draw, loss):
    problem = problem_of(draw(loss), loss, L2(0.1), True)
    weight = torch.full((3, 4), 0.1, dtype=torch.float64)
    bias = best_intercept(problem, weight, problem.zeros()[1])
    theta = problem.convex_loss.value_and_theta(problem.predict(weight, bias), problem.targets)[1]
    assert theta.mean(1).abs().max() < 1e-8


def test_rounding_is_allowed_for(draw):
    """At an exact optimum the gap may round to less than nothing; the bound may not."""
    for loss in LOSSES:
        best = solve(draw(loss), loss, L2(0.1), bias=True, tolerance=1e-13)
        assert 1e-17 < best.suboptimality_bound < 1e-12


def test_without_penalty_there_is_no_such_dual_point(draw):
    examples = draw(SquaredError())
    problem = Problem(examples.x, examples.y, convex_loss_of(SquaredError()), 3, 0.0, 0.0, True)
    with pytest.raises(ValueError, match="without penalty"):
        duality_gap(problem, *problem.zeros())
