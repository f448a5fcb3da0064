"""The approximate inverse of the Hessian: exact if nothing is left out, and a mere matter of speed if something is."""

import pytest
import torch
from torch.testing import assert_close

from linnet.losses import CrossEntropy, PoissonNLL
from linnet.penalties import L2
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.newton import preconditioner as module
from linnet.solvers.newton.direction import hessian_product
from linnet.solvers.newton.preconditioner import Preconditioner
from linnet.solvers.problem import Problem
from linnet.solvers.solve import solve

LOSSES = [CrossEntropy(), PoissonNLL()]


def at_random(draw, loss, bias: bool = True):
    """A problem, the curvature at a random point, and a random direction."""
    examples = draw(loss, n_examples=200, n_features=12)
    problem = Problem(examples.x / 5, examples.y, convex_loss_of(loss), 3, 0.0, 0.1, bias)
    stream = torch.Generator().manual_seed(2)
    weight = 0.3 * torch.randn(3, 12, generator=stream, dtype=torch.float64)
    offset = torch.randn(3, generator=stream, dtype=torch.float64) * bias
    z = problem.predict(weight, torch.zeros(3, dtype=torch.float64))
    return problem, problem.convex_loss.curvature(z, problem.targets, 0.0), (weight, offset - offset.mean() * bias)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_is_the_inverse_if_all_directions_lead(draw, loss, bias):
    problem, curvature, direction = at_random(draw, loss, bias)
    inverse = Preconditioner(problem, torch.float64)
    inverse.update(curvature, jitter=1e-13)
    weight, offset = inverse(*hessian_product(problem, direction, curvature, torch.float64))
    assert_close(weight, direction[0], rtol=1e-6, atol=1e-6)
    assert_close(offset - offset.mean(), direction[1] - direction[1].mean(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("leading", "sample", "eigen"), [(12, 200, 3000), (12, 50, 3000), (30, 100, 5)])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_is_symmetric_and_positive_whatever_is_left_out(draw, monkeypatch, loss, leading, sample, eigen):
    monkeypatch.setattr(module, "LEADING_NUMBERS", leading)
    monkeypatch.setattr(module, "SAMPLE", sample)
    monkeypatch.setattr(module, "DENSE_WORK", 1.0)
    monkeypatch.setattr(module, "EIGEN_FEATURES", eigen)
    problem, curvature, u = at_random(draw, loss)
    inverse = Preconditioner(problem, torch.float64)
    inverse.update(curvature)
    v = (u[0].flip(1), u[1].flip(0))

    def dot(a, b) -> float:
        return float((a[0] * b[0]).sum() + (a[1] * b[1]).sum())

    assert dot(u, inverse(*v)) == pytest.approx(dot(v, inverse(*u)), rel=1e-8)
    assert dot(u, inverse(*u)) > 0


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_what_is_left_out_costs_steps_and_not_accuracy(draw, monkeypatch, loss):
    examples = draw(loss, n_examples=300, n_features=12)
    exact = solve(examples, loss, L2(1e-3), bias=True, tolerance=1e-10)
    monkeypatch.setattr(module, "LEADING_NUMBERS", 9)
    monkeypatch.setattr(module, "SAMPLE", 60)
    monkeypatch.setattr(module, "DENSE_WORK", 1.0)
    rough = solve(examples, loss, L2(1e-3), bias=True, tolerance=1e-10)
    assert rough.suboptimality_bound <= 1e-10
    assert rough.objective == pytest.approx(exact.objective, abs=1e-10)


def test_fashion_mnist_in_single_precision(fashion_mnist):
    """6000 images: more numbers than count as small, so that the sampled preconditioner works on float32."""
    examples = fashion_mnist.train.take(torch.arange(0, 60_000, 10))
    found = solve(examples, CrossEntropy(), L2(1e-2), bias=True, tolerance=1e-7)
    assert 0 < found.suboptimality_bound <= 1e-7
    logits = (examples.x.double() @ found.weight.T + found.bias)[None]
    value = CrossEntropy().value(logits, examples.y).mean() + L2(1e-2).value(found.weight[None])[0]
    assert found.objective == pytest.approx(value.item(), abs=1e-12)
