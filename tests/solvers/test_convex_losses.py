"""Conjugates against their definition, dual points against their constraints, curvature against autograd."""

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from linnet.losses import AbsoluteError, CrossEntropy, GaussianNLL, Huber, PoissonNLL, SquaredError
from linnet.solvers.convex_losses import Softmax, convex_loss_of

SMOOTH = [SquaredError(), GaussianNLL(0.5), Huber(0.7), PoissonNLL(), CrossEntropy(), CrossEntropy(0.1)]
ALL = [*SMOOTH, AbsoluteError()]


def drawn(loss, seed: int = 0):
    """Predictions `[C, N]`, targets as the loss takes them."""
    stream = torch.Generator().manual_seed(seed)
    z = 1.5 * torch.randn(3, 20, generator=stream, dtype=torch.float64)
    if loss.task == "classification":
        return z, torch.arange(20) % 3
    return z, 3 * torch.rand(20, 3, generator=stream, dtype=torch.float64)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_fenchel_young_is_an_equality_at_the_derivative(loss):
    convex_loss, (z, y) = convex_loss_of(loss), drawn(loss)
    value, theta = convex_loss.value_and_theta(z, y)
    assert_close(value, loss.value(z.T[None].contiguous(), y)[0])
    assert_close(value + convex_loss.conjugate(theta, y), (theta * z).sum(0), rtol=0, atol=1e-12)


@settings(max_examples=50)
@given(loss=st.sampled_from(ALL), seed=st.integers(0, 10_000), shrink=st.floats(0, 1))
def test_fenchel_young_holds_for_every_prediction_and_dual_point(loss, seed, shrink):
    convex_loss, (z, y), (other, _) = convex_loss_of(loss), drawn(loss, seed), drawn(loss, seed + 1)
    value, theta = convex_loss.value_and_theta(z, y)[0], shrink * convex_loss.value_and_theta(other, y)[1]
    assert (value + convex_loss.conjugate(theta, y) - (theta * z).sum(0) >= -1e-12).all()


@settings(max_examples=50)
@given(loss=st.sampled_from(ALL), seed=st.integers(0, 10_000), off=st.floats(0, 2))
def test_centred_dual_points_sum_to_zero_and_stay_in_the_domain(loss, seed, off):
    convex_loss, (z, y) = convex_loss_of(loss), drawn(loss, seed)
    theta = convex_loss.centre(convex_loss.value_and_theta(z + off, y)[1], y)
    assert_close(theta.sum(1), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
    if isinstance(convex_loss, Softmax):
        p = theta + convex_loss.labels(y, 3, torch.float64)
        assert p.min() >= -1e-15
        assert_close(p.sum(0), torch.ones(20, dtype=torch.float64), rtol=0, atol=1e-12)
    elif isinstance(loss, PoissonNLL):
        assert (theta + y.T).min() >= -1e-12
    elif isinstance(loss, Huber | AbsoluteError):
        assert theta.abs().max() <= convex_loss.slope * (1 + 1e-12)


@pytest.mark.parametrize("loss", SMOOTH, ids=repr)
def test_centring_a_centred_point_changes_nothing(loss):
    convex_loss, (z, y) = convex_loss_of(loss), drawn(loss)
    theta = convex_loss.centre(convex_loss.value_and_theta(z, y)[1], y)
    assert_close(convex_loss.centre(theta, y), theta, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", SMOOTH, ids=repr)
def test_curvature_is_the_derivative_of_the_derivative(loss):
    convex_loss, (z, y) = convex_loss_of(loss), drawn(loss)
    u = torch.randn(3, 20, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    curvature, step = convex_loss.curvature(z, y, 0.0), 1e-6
    differences = (
        convex_loss.value_and_theta(z + step * u, y)[1] - convex_loss.value_and_theta(z - step * u, y)[1]
    ) / (2 * step)
    assert_close(convex_loss.product(curvature, u), differences, rtol=0, atol=1e-6)
    rows = torch.zeros(3, 3, 20, dtype=torch.float64)
    for output in range(3):
        rows[output, output:] = rows[output:, output] = convex_loss.row(curvature, output, slice(output, None))
    assert_close(torch.einsum("rcb,cb->rb", rows, u), convex_loss.product(curvature, u))
    assert_close(rows.mean(2), convex_loss.mean_hessian(curvature))


@pytest.mark.parametrize("loss", [Huber(0.7), AbsoluteError()], ids=repr)
def test_majorising_curvature_bounds_the_loss_from_above(loss):
    convex_loss, (z, y), (other, _) = convex_loss_of(loss), drawn(loss), drawn(loss, 1)
    value, theta = convex_loss.value_and_theta(z, y)
    move = other - z
    model = value + (theta * move).sum(0) + 0.5 * (convex_loss.curvature(z, y, 1.0) * move.square()).sum(0)
    assert (model >= convex_loss.value_and_theta(other, y)[0] - 1e-12).all()


@pytest.mark.parametrize("loss", [loss for loss in SMOOTH if not isinstance(loss, PoissonNLL)], ids=repr)
def test_smoothness_bounds_the_curvature(loss):
    convex_loss, (z, y) = convex_loss_of(loss), drawn(loss)
    u = torch.randn(3, 20, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    bent = (u * convex_loss.product(convex_loss.curvature(z, y, 0.0), u)).sum(0)
    assert (bent <= convex_loss.smoothness * u.square().sum(0) * (1 + 1e-12)).all()


def test_the_slope_of_a_label_that_is_nearly_certain_keeps_its_digits():
    z = torch.tensor([[60.0], [0.0], [1.0]], dtype=torch.float64)
    theta = convex_loss_of(CrossEntropy()).value_and_theta(z, torch.tensor([0]))[1]
    assert float(theta[0]) == pytest.approx(-math.exp(-60) - math.exp(-59), rel=1e-14)
