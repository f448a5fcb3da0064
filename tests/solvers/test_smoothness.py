"""Curvature against autograd's Hessian, and what it promises against gradient descent itself."""

import math

import pytest
import torch

from linnet.losses import AbsoluteError, CrossEntropy, GaussianNLL, Huber, PoissonNLL, SquaredError
from linnet.penalties import L1, L2, ElasticNet, NoPenalty
from linnet.solvers.smoothness import curvature


@pytest.fixture
def x() -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    return torch.randn(40, 3, generator=stream, dtype=torch.float64) * torch.tensor([1.0, 2.0, 0.5]) + 0.3


def hessian(x: torch.Tensor, loss, penalty, bias: bool, at: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Autograd's, in the flat parameters: C × D weights, then C biases."""
    n_outputs, n_features = (at.numel() // (x.shape[1] + bias), x.shape[1])

    def objective(flat: torch.Tensor) -> torch.Tensor:
        weight = flat[: n_outputs * n_features].view(n_outputs, n_features)
        prediction = x @ weight.T + (flat[n_outputs * n_features :] if bias else 0)
        return loss.value(prediction[None], y).mean() + penalty.smooth_value(weight[None])[0]

    return torch.autograd.functional.hessian(objective, at)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", [NoPenalty(), L2(0.3), ElasticNet(0.5)], ids=repr)
@pytest.mark.parametrize("loss", [SquaredError(), GaussianNLL(0.5)], ids=repr)
def test_exact_for_squared_error(x, loss, penalty, bias):
    found = curvature(x, loss, penalty, bias=bias)
    at = torch.zeros(3 + bias, dtype=torch.float64)
    values = torch.linalg.eigvalsh(hessian(x, loss, penalty, bias, at, torch.zeros(40, 1, dtype=torch.float64)))
    assert found.exact
    assert found.largest == pytest.approx(values[-1].item(), rel=1e-12)
    assert found.smallest == pytest.approx(values[0].item(), rel=1e-9)
    assert found.condition == pytest.approx((values[-1] / values[0]).item(), rel=1e-9)


@pytest.mark.parametrize("loss", [Huber(0.7), CrossEntropy(), CrossEntropy(0.1)], ids=repr)
def test_bounds_the_hessian_anywhere(x, loss):
    found = curvature(x, loss, L2(0.1), bias=True)
    assert not found.exact
    n_outputs = 1 if loss.task == "regression" else 3
    y = torch.zeros(40, 1, dtype=torch.float64) if n_outputs == 1 else torch.arange(40) % 3
    stream = torch.Generator().manual_seed(1)
    for scale in (0.0, 0.1, 1.0):
        at = scale * torch.randn(n_outputs * 4, generator=stream, dtype=torch.float64)
        assert torch.linalg.eigvalsh(hessian(x, loss, L2(0.1), True, at, y))[-1] <= found.largest * (1 + 1e-12)


def test_two_classes_attain_the_bound_of_softmax(x):
    """At even odds diag(p) − ppᵀ has the eigenvalue ½."""
    found = curvature(x, CrossEntropy(), NoPenalty(), bias=True)
    at, y = torch.zeros(8, dtype=torch.float64), torch.arange(40) % 2
    largest = torch.linalg.eigvalsh(hessian(x, CrossEntropy(), NoPenalty(), True, at, y))[-1].item()
    assert found.largest == pytest.approx(largest, rel=1e-12)


def descend(x: torch.Tensor, step: float, n_steps: int) -> float:
    """Factor by which gradient descent on squared error shrinks the worst component of an error."""
    vectors = torch.linalg.eigh(x.T @ x / len(x)).eigenvectors
    error = vectors.clone()  # one column per eigenvector
    for _ in range(n_steps):
        error = error - step * (x.T @ (x @ error)) / len(x)
    return float((vectors * error).sum(0).abs().max())


def test_steps_are_as_many_as_gradient_descent_takes(x):
    found = curvature(x, SquaredError(), NoPenalty(), bias=False)
    n_steps, rate = int(found.steps()), 1 / found.largest
    assert descend(x, rate, n_steps) <= 1e-6 < descend(x, rate, n_steps - 1)


def test_two_over_l_divides_convergence_from_divergence(x):
    found = curvature(x, SquaredError(), NoPenalty(), bias=False)
    assert descend(x, 0.99 * found.largest_stable_step, 3000) < 1e-3
    assert descend(x, 1.01 * found.largest_stable_step, 3000) > 1e3


def test_dependent_features_are_flat(x):
    found = curvature(torch.cat([x, x], 1), SquaredError(), NoPenalty(), bias=True)
    assert found.smallest == 0
    assert found.condition == math.inf
    assert found.steps() == math.inf


def test_float32_features_are_summed_in_float64(x):
    low = curvature(x.float(), SquaredError(), NoPenalty(), bias=True)
    assert low.largest == pytest.approx(
        curvature(x.float().double(), SquaredError(), NoPenalty(), bias=True).largest, rel=1e-13
    )


@pytest.mark.parametrize("loss", [AbsoluteError(), PoissonNLL()], ids=repr)
def test_no_bound_no_curvature(x, loss):
    assert curvature(x, loss, L2(0.1), bias=True) is None


def test_absolute_values_are_left_to_the_proximal_step(x):
    assert curvature(x, SquaredError(), L1(0.5), bias=True) == curvature(x, SquaredError(), NoPenalty(), bias=True)
