"""Every loss with every penalty: the certificate against the objective itself, other points, other solvers."""

import itertools

import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.optimize import minimize
from torch import Tensor

from linnet.data import Examples
from linnet.losses import (
    AbsoluteError,
    CrossEntropy,
    CrossEntropyNaive,
    GaussianNLL,
    Huber,
    Loss,
    PoissonNLL,
    SquaredError,
    TorchCrossEntropy,
    TorchHuber,
)
from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty
from linnet.solvers.optimum import Optimum
from linnet.solvers.solve import solve, threads_for

LOSSES = [SquaredError(), GaussianNLL(0.5), Huber(0.7), AbsoluteError(), PoissonNLL()]


LOSSES += [CrossEntropy(), CrossEntropy(0.1)]


PENALTIES = [NoPenalty(), L2(0.02), L1(0.03), ElasticNet(0.05)]


COMBINATIONS = list(itertools.product(LOSSES, PENALTIES))


TOLERANCE = 1e-8


def objective(examples: Examples, loss: Loss, penalty: Penalty, weight: Tensor, bias: Tensor) -> float:
    """F as linnet trains it."""
    x = examples.x.double()
    y = examples.y.double() if examples.y.is_floating_point() else examples.y
    prediction = (x @ weight.T + bias).unsqueeze(0)
    return float(loss.value(prediction, y).mean() + penalty.value(weight.unsqueeze(0))[0])


def independent(examples: Examples, loss: Loss, penalty: Penalty, bias: bool, start: Optimum) -> float:
    """The best objective that scipy's L-BFGS-B finds, W = W⁺ − W⁻ making absolute values smooth."""
    n_outputs, n_features = start.weight.shape
    size = n_outputs * n_features
    y = examples.y

    def value(flat: Tensor) -> Tensor:
        positive, negative = flat[:size].view(n_outputs, -1), flat[size : 2 * size].view(n_outputs, -1)
        weight, offset = positive - negative, flat[2 * size :] if bias else 0
        prediction = (examples.x @ weight.T + offset).unsqueeze(0)
        absolute = float(penalty.l1) * (positive + negative).sum()
        return loss.value(prediction, y).mean() + absolute + penalty.smooth_value(weight.unsqueeze(0))[0]

    def value_and_gradient(numbers):
        flat = torch.tensor(numbers, requires_grad=True)
        total = value(flat)
        (gradient,) = torch.autograd.grad(total, flat)
        return total.item(), gradient.numpy()

    n_bias = n_outputs if bias else 0
    bounds = [(0, None)] * (2 * size) + [(None, None)] * n_bias
    # Kinks are where L-BFGS creeps, and what it reaches there is only good for a bound.
    options = {"maxiter": 300 if isinstance(loss, AbsoluteError) else 5000, "ftol": 1e-15, "gtol": 1e-10}
    begin = torch.zeros(2 * size + n_bias, dtype=torch.float64).numpy()
    with threads_for(0):
        found = minimize(value_and_gradient, begin, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    return float(found.fun)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("loss", "penalty"), COMBINATIONS, ids=repr)
def test_bound_is_within_tolerance_and_objective_is_linnets(draw, loss, penalty, bias):
    examples = draw(loss)
    found = solve(examples, loss, penalty, bias=bias)
    assert found.attained
    assert 0 <= found.suboptimality_bound <= TOLERANCE
    assert found.objective == pytest.approx(objective(examples, loss, penalty, found.weight, found.bias), abs=1e-12)
    assert found.lower == found.objective - found.suboptimality_bound
    assert (found.bias == 0).all() or bias


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("loss", "penalty"), COMBINATIONS, ids=repr)
def test_no_other_solver_goes_below_the_lower_bound(draw, loss, penalty, bias):
    examples = draw(loss, seed=1)
    found = solve(examples, loss, penalty, bias=bias)
    other = independent(examples, loss, penalty, bias, found)
    assert other >= found.lower
    if not isinstance(loss, AbsoluteError):
        assert other == pytest.approx(found.objective, abs=1e-6)


def test_absolute_error_whose_weights_are_all_zero_without_a_bias(draw):
    found = solve(draw(AbsoluteError()), AbsoluteError(), L1(1e3), bias=False)
    assert (found.weight == 0).all() and found.suboptimality_bound <= TOLERANCE


@settings(max_examples=40)
@given(
    which=st.sampled_from(COMBINATIONS),
    seed=st.integers(0, 10_000),
    bias=st.booleans(),
    sizes=st.tuples(st.integers(25, 60), st.integers(1, 4), st.integers(2, 3)),
)
def test_random_perturbations_are_never_better(draw, which, seed, bias, sizes):
    loss, penalty = which
    examples = draw(loss, seed, *sizes)
    found = solve(examples, loss, penalty, bias=bias)
    if not found.attained:  # a small sample may be separable
        return
    assert found.suboptimality_bound <= TOLERANCE
    stream = torch.Generator().manual_seed(seed)
    for scale in (1e-6, 1e-3, 0.1, 1.0):
        weight = found.weight + scale * torch.randn(found.weight.shape, generator=stream, dtype=torch.float64)
        offset = found.bias + bias * scale * torch.randn(found.bias.shape, generator=stream, dtype=torch.float64)
        assert objective(examples, loss, penalty, weight, offset) >= found.lower - 1e-15


@settings(max_examples=40)
@given(
    which=st.sampled_from(COMBINATIONS),
    seed=st.integers(0, 10_000),
    bias=st.booleans(),
    loose=st.sampled_from([1e-1, 1e-2, 1e-4]),
)
def test_a_loose_certificate_holds_against_a_tight_one(draw, which, seed, bias, loose):
    loss, penalty = which
    examples = draw(loss, seed, n_features=3)
    rough = solve(examples, loss, penalty, bias=bias, tolerance=loose)
    exact = solve(examples, loss, penalty, bias=bias, tolerance=1e-10)
    assert rough.attained == exact.attained
    assert rough.suboptimality_bound <= loose
    assert rough.lower <= exact.objective
    assert exact.lower <= rough.objective
    assert rough.objective - exact.objective <= rough.suboptimality_bound


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", [SquaredError(), GaussianNLL(0.5), Huber(0.7), PoissonNLL()], ids=repr)
@pytest.mark.parametrize("penalty", [NoPenalty(), L2(0.02), L1(0.02), ElasticNet(0.04)], ids=repr)
def test_finds_an_optimum_that_was_built_in(loss, penalty, bias):
    """Targets are chosen so that the gradient vanishes at weights drawn before, some of them zero."""
    stream = torch.Generator().manual_seed(3)
    x = torch.randn(50, 5, generator=stream, dtype=torch.float64)
    weight = torch.tensor([[0.5, -0.3, 0.0, 0.2, 0.0]], dtype=torch.float64)
    offset = torch.tensor([0.4 if bias else 0.0], dtype=torch.float64)
    slack = torch.tensor([[0, 0, 0.6, 0, -0.3]], dtype=torch.float64)
    subgradient = penalty.l1 * (weight.sign() + slack) + penalty.l2 * weight
    design = torch.cat([x, torch.ones(50, int(bias), dtype=torch.float64)], 1)
    wanted = torch.cat([-subgradient[0], torch.zeros(int(bias), dtype=torch.float64)]) * len(x)
    noise = 0.05 * torch.randn(50, generator=stream, dtype=torch.float64)
    theta = noise + design @ torch.linalg.solve(design.T @ design, wanted - design.T @ noise)  # Xᵀθ/N = −subgradient
    prediction = (x @ weight.T + offset)[:, 0]
    if isinstance(loss, PoissonNLL):
        target = prediction.exp() - theta
    elif isinstance(loss, GaussianNLL):
        target = prediction - theta * loss.sigma**2
    else:
        target = prediction - theta  # within Huber's parabola
    assert not isinstance(loss, Huber) or theta.abs().max() < loss.delta
    assert not isinstance(loss, PoissonNLL) or target.min() > 0
    found = solve(Examples(x, target[:, None]), loss, penalty, bias=bias, tolerance=1e-12)
    torch.testing.assert_close(found.weight, weight, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.bias, offset, rtol=0, atol=1e-6)
    truth = objective(Examples(x, target[:, None]), loss, penalty, weight, offset)
    assert found.lower <= truth <= found.objective + 1e-15
    assert found.suboptimality_bound < 1e-11
    if penalty.l1:
        assert torch.equal(found.weight == 0, weight == 0)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_one_mathematics_has_one_optimum(draw, penalty):
    same = [CrossEntropy(0.2), TorchCrossEntropy(0.2), CrossEntropyNaive(0.2)]
    values = [solve(draw(loss), loss, penalty, bias=True).objective for loss in same]
    assert max(values) - min(values) < 1e-12
    examples = draw(Huber(0.7))
    a, b = (solve(examples, loss, penalty, bias=True) for loss in (Huber(0.7), TorchHuber(0.7)))
    assert a.objective == pytest.approx(b.objective, abs=1e-12)


def test_outputs_of_regression_are_problems_of_their_own(draw):
    loss, penalty = Huber(0.7), ElasticNet(0.05)
    examples = draw(loss)
    together = solve(examples, loss, penalty, bias=True)
    apart = [solve(Examples(examples.x, examples.y[:, c : c + 1]), loss, penalty, bias=True) for c in range(3)]
    assert together.objective == pytest.approx(sum(one.objective for one in apart), abs=1e-8)


def test_float32_examples_are_solved_in_float64(draw):
    loss, penalty = CrossEntropy(), L2(1e-3)
    examples = draw(loss)
    low = Examples(examples.x.float(), examples.y)
    exact = solve(Examples(low.x.double(), low.y), loss, penalty, bias=True, tolerance=1e-11)
    found = solve(low, loss, penalty, bias=True, tolerance=1e-11)
    assert found.weight.dtype == torch.float64
    assert found.suboptimality_bound <= 1e-11
    assert found.objective == pytest.approx(exact.objective, abs=1e-11)


def test_same_problem_same_bits(draw):
    a, b = (solve(draw(CrossEntropy()), CrossEntropy(), L2(0.02), bias=True) for _ in range(2))
    assert torch.equal(a.weight, b.weight)


def test_a_trained_model_is_never_better(draw):
    loss, penalty = CrossEntropy(), L2(0.02)
    examples = draw(loss)
    found = solve(examples, loss, penalty, bias=True)
    weight = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=0.05)
    for _ in range(1500):
        optimizer.zero_grad()
        value = loss.value((examples.x @ weight.T + bias)[None], examples.y).mean() + penalty.value(weight[None])[0]
        value.backward()
        optimizer.step()
    reached = objective(examples, loss, penalty, weight.detach(), bias.detach())
    assert found.lower <= reached
    assert reached == pytest.approx(found.objective, abs=1e-5)
