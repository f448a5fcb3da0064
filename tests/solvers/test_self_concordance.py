"""The steps of the proof without a penalty, one by one."""

import math

import pytest
import torch
from hypothesis import given, strategies as st
from scipy.optimize import minimize_scalar

from linnet.losses import CrossEntropy, PoissonNLL
from linnet.solvers.certificates.self_concordance import _omega, self_concordant_bound
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.problem import Problem
from linnet.solvers.row_space import row_space


@given(decrement=st.floats(1e-3, 10), share=st.floats(1e-5, 0.99))
def test_omega_is_the_depth_of_the_lower_bound(decrement, share):
    rho = share / decrement

    def lower(t: float) -> float:
        return -decrement * t + (math.expm1(-rho * t) + rho * t) / rho**2

    depth = -minimize_scalar(lower, bounds=(0, -math.log1p(-share) / rho * 2), method="bounded").fun
    assert _omega(decrement, rho) == pytest.approx(depth, rel=2e-3)
    assert _omega(decrement, rho) >= depth * (1 - 1e-6)


@pytest.mark.parametrize("loss", [CrossEntropy(), PoissonNLL()], ids=repr)
def test_third_derivatives_are_at_most_the_range_times_the_second(loss):
    stream = torch.Generator().manual_seed(0)
    z, u = (torch.randn(4, 500, generator=stream, dtype=torch.float64) for _ in range(2))
    if isinstance(loss, PoissonNLL):
        z, u = z[:1], u[:1]
    convex_loss, y = convex_loss_of(loss), torch.zeros(500, dtype=torch.int64)
    step = 1e-4

    def second(t: float) -> torch.Tensor:
        return (u * convex_loss.product(convex_loss.curvature(z + t * u, y, 0.0), u)).sum(0)

    third = (second(step) - second(-step)) / (2 * step)
    width = u.amax(0) - u.amin(0) if len(u) > 1 else u[0].abs()
    assert (third.abs() <= width * second(0) * (1 + 1e-6) + 1e-8).all()


def test_far_from_the_minimum_nothing_is_proven(draw):
    examples = draw(CrossEntropy())
    problem = Problem(examples.x, examples.y, convex_loss_of(CrossEntropy()), 3, 0.0, 0.0, True)
    weight, bias = problem.zeros()
    assert self_concordant_bound(problem, row_space(problem), weight + 3 * torch.eye(3, 4).double(), bias) is None


def test_row_space_predicts_what_the_features_do(draw):
    examples = draw(CrossEntropy())
    doubled = torch.cat([1e4 * examples.x, examples.x[:, :2], torch.zeros(60, 1, dtype=torch.float64)], 1)
    problem = Problem(doubled, examples.y, convex_loss_of(CrossEntropy()), 3, 0.0, 0.0, True)
    space = row_space(problem)
    assert space.examples.shape == (60, 5)
    assert not space.full
    torch.testing.assert_close(space.examples.T @ space.examples / 60, torch.eye(5, dtype=torch.float64))
    weight, bias = torch.randn(3, 7, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    back = space.parameters(problem, space.coordinates(problem, weight, bias))
    torch.testing.assert_close(problem.predict(*back), problem.predict(weight, bias), rtol=1e-9, atol=1e-6)
