"""Quasi-Newton steps from a Kronecker product: where the product is the inverse, and where the steps end."""

import numpy as np
import pytest
import torch

from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.newton.direction import hessian_product
from linnet.solvers.newton.kronecker import Kronecker
from linnet.solvers.newton.newton import evaluate
from linnet.solvers.newton.quasi_newton import approach
from linnet.solvers.newton.staged import Staged
from linnet.solvers.problem import Problem, by_columns
from linnet.solvers.relative import Rows
from linnet.solvers.solve import solve
from linnet.solvers.two_classes import as_logistic


def problem(n: int, d: int, c: int, *, weighted: bool = False, bias: bool = True) -> Problem:
    rng = torch.Generator().manual_seed(0)
    y = torch.randint(c, (n,), generator=rng)
    x = torch.randn(n, d, generator=rng, dtype=torch.float64) + torch.randn(c, d, generator=rng).double()[y]
    loss = convex_loss_of(CrossEntropy())
    if weighted:
        weight = torch.rand(n, generator=rng, dtype=torch.float64) + 0.5
        loss = loss.weighted(weight / weight.mean())
    return Problem(by_columns(x, torch.float64), y, loss, c, 0.0, 0.01, bias)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_product_is_the_inverse_where_probabilities_are_equal(weighted: bool, bias: bool) -> None:
    given = problem(300, 6, 4, weighted=weighted, bias=bias)
    weight, offset = given.zeros()
    point = evaluate(given, weight, offset, torch.float64)
    curvature = given.convex_loss.curvature(point.z, given.y, 1.0)
    inverse = Kronecker(given, torch.float64)
    inverse.update(curvature)
    rng = np.random.default_rng(1)
    u, v = torch.from_numpy(rng.normal(size=(4, 6))), torch.from_numpy(rng.normal(size=4))
    v = (v - v.mean()) * bias
    found = inverse(*hessian_product(given, (u, v), curvature, torch.float64))
    assert torch.allclose(found[0], u, rtol=1e-10, atol=1e-10) and torch.allclose(
        found[1] - found[1].mean(), v, atol=1e-9
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_steps_end_where_the_gradient_is_small_enough(dtype: torch.dtype) -> None:
    given = problem(2000, 10, 5, weighted=True)
    fast = Problem(by_columns(given.x, dtype), *list(vars(given).values())[1:7])
    start = evaluate(fast, *given.zeros(), dtype)
    weight, bias, steps = approach(
        fast, *given.zeros(), start, Kronecker(fast, dtype), lambda w, b: evaluate(fast, w, b, dtype), 1e-10, 100
    )
    gradient = evaluate(given, weight, bias, torch.float64).gradient
    assert float(gradient[0].norm()) < 1.1e-5 and 3 < steps < 30


def test_inverse_is_the_cheapest_one_that_pays() -> None:
    assert isinstance(Staged(problem(20_000, 60, 10), torch.float32).inverse, Kronecker)
    small = Staged(problem(100, 5, 3), torch.float64)
    assert small.inverse is None and not small.lasting


@pytest.mark.parametrize("weighted", [False, True])
def test_product_is_the_inverse_of_one_column(weighted: bool) -> None:
    given = as_logistic(problem(300, 6, 2, weighted=weighted))
    u, v = torch.randn(1, 6, dtype=torch.float64), torch.randn(1, dtype=torch.float64)
    curvature = given.convex_loss.curvature(given.predict(u, v), given.y, 1.0)
    inverse = Kronecker(given, torch.float64)
    inverse.update(curvature)
    found = inverse(*hessian_product(given, (u, v), curvature, torch.float64))
    assert torch.allclose(found[0], u, atol=1e-9) and torch.allclose(found[1], v, atol=1e-9)


def test_sample_is_drawn_in_proportion_to_uncertainty() -> None:
    given = problem(6000, 3, 2)
    uncertain = torch.full((6000,), 1e-9)
    uncertain[::30] = 1 + torch.rand(200)
    x, share = Kronecker(given, torch.float64)._sample(uncertain)
    assert torch.equal(x, given.x[::30])
    assert torch.allclose(share, (uncertain[::30] / uncertain.sum()).double(), atol=1 / 2500)
    assert float(share.sum()) == pytest.approx(1, abs=1e-3)


def test_tight_tolerance_brings_the_weights_as_well() -> None:
    given = problem(1500, 60, 10)  # of a size that is polished
    rows = Rows(given.x, given.y)
    found = solve(rows, CrossEntropy(), L2(0.01), bias=True, tolerance=1e-11)
    point = evaluate(given, found.weight, found.bias, torch.float64)
    assert float(point.gradient[0].norm()) < 1e-12


@pytest.mark.parametrize("weighted", [False, True])
def test_large_problem_has_the_solution_of_a_tight_tolerance(weighted: bool) -> None:
    given = problem(4000, 40, 10, weighted=weighted)
    rows = Rows(given.x, given.y, given.weight)
    loose = solve(rows, CrossEntropy(), L2(0.01), bias=True, tolerance=1e-5)
    tight = solve(rows, CrossEntropy(), L2(0.01), bias=True, tolerance=1e-11)
    assert 0 <= loose.objective - tight.objective <= loose.suboptimality_bound <= 1e-5
    assert tight.suboptimality_bound <= 1e-11
    # Strong convexity: ‖W − W*‖² ≤ 2 (F − F*) / l2.
    assert float((loose.weight - tight.weight).norm()) <= (2 * 1e-5 / 0.01) ** 0.5
