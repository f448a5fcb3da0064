"""The operations of a sparse problem are those of the same problem with dense features; the l1 method by itself."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.linear_model import Lasso

from linnet.losses import CrossEntropy, SquaredError
from linnet.solvers.convex_losses import Softmax, convex_loss_of
from linnet.solvers.logistic import Logistic
from linnet.solvers.newton.direction import hessian_product
from linnet.solvers.newton.newton import evaluate
from linnet.solvers.sparse import orthants, problem as sparse_problem
from linnet.solvers.sparse.preconditioner import CentredDiagonal
from linnet.solvers.sparse.problem import SparseProblem
from linnet.solvers.two_classes import as_logistic, both, point_of_both

RNG = np.random.default_rng(0)
X = np.where(RNG.random((40, 15)) < 0.3, RNG.normal(2, 1, (40, 15)), 0.0)
WEIGHT, BIAS = torch.from_numpy(RNG.normal(size=(3, 15))), torch.from_numpy(RNG.normal(size=3))
THETA = torch.from_numpy(RNG.normal(size=(3, 40)))


@pytest.fixture
def problem() -> SparseProblem:
    loss = convex_loss_of(CrossEntropy(0.1)).weighted(torch.from_numpy(0.5 + RNG.random(40)))
    return SparseProblem.of(scipy.sparse.csr_array(X), torch.arange(40) % 3, loss, 3, 0.0, 0.1, True)


def test_operations(problem):
    dense = problem.dense()
    some = RNG.random(40) < 0.5, RNG.random(15) < 0.5
    for name, arguments in {
        "predict": (WEIGHT, BIAS), "transpose": (THETA,), "predict_sizes": (WEIGHT, BIAS),
        "transpose_sizes": (THETA.abs(),), "design": (), "part": tuple(map(torch.from_numpy, some)),
    }.items():  # fmt: skip
        ours, theirs = (getattr(each, name)(*arguments) for each in (problem, dense))
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-13), name
    assert torch.equal(problem.largest, dense.largest)
    assert problem.longest_row == (X != 0).sum(1).max()
    assert problem.longest_column == (X != 0).sum(0).max()
    left, right = torch.tensor([1, 4, 5]), torch.tensor([0, 4])
    ours, theirs = (each.gram(each.columns(left), THETA[0], each.columns(right)) for each in (problem, dense))
    assert ours.shape == (4, 3)  # with the ones
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-13)


def test_gradient_and_hessian(problem):
    ours, theirs = (evaluate(each, WEIGHT, BIAS, torch.float64) for each in (problem, problem.dense()))
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-14)
    curvature = problem.convex_loss.curvature(ours.z, problem.targets, 1.0)
    products = [hessian_product(each, (WEIGHT, BIAS), curvature, torch.float64) for each in (problem, problem.dense())]
    for a, b in zip((*ours.gradient, *products[0]), (*theirs.gradient, *products[1]), strict=True):
        assert torch.allclose(a, b, rtol=0, atol=1e-13)


def test_preconditioner_is_the_inverse_of_the_hessian_of_uncorrelated_features():
    """Once centred, that is; and restricted to the weights that are free."""
    x = np.array([[4.0, 4.0], [4.0, 2.0], [2.0, 4.0], [2.0, 2.0]])
    loss, y = convex_loss_of(SquaredError()), torch.zeros(4, 1, dtype=torch.float64)
    problem = SparseProblem.of(scipy.sparse.csr_array(x), y, loss, 1, 0.0, 0.2, True)
    inverse, curvature = CentredDiagonal(problem), torch.ones(1, 4, dtype=torch.float64)
    for free in ([1.0, 1.0], [1.0, 0.0]):
        inverse.free = torch.tensor([free]) > 0
        inverse.update(curvature)
        step = torch.tensor([free], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64)
        back = inverse(*hessian_product(problem, step, curvature, torch.float64))
        # A trace of 1e-9 of the features' second moments, here 10, is on the diagonal.
        assert back[0][0].tolist() == pytest.approx(free, abs=1e-7)
        assert back[1].tolist() == pytest.approx([0.5], abs=1e-6)


def test_two_classes_are_one_vector(problem):
    loss = convex_loss_of(CrossEntropy(0.1)).weighted(problem.weight)
    assert isinstance(loss, Softmax)
    two = replace(problem, y=problem.y % 2, n_outputs=2, l1=0.03, convex_loss=loss)
    v, c = WEIGHT[:1], BIAS[:1]
    whole = evaluate(two, both(v), both(c), torch.float64)
    reduced = point_of_both(evaluate(as_logistic(two), v, c, torch.float64))
    assert reduced.objective == pytest.approx(whole.objective, rel=1e-14)
    for a, b in zip((*reduced.gradient, reduced.z), (*whole.gradient, whole.z), strict=True):
        assert torch.allclose(a, b, rtol=0, atol=1e-14)
    curvature = loss.curvature(whole.z, two.targets, 1.0)
    of_both = hessian_product(two, (both(v), both(c)), curvature, torch.float64)
    one = as_logistic(two)
    of_one = hessian_product(one, (v, c), one.convex_loss.curvature(whole.z[1:] * 2, two.targets, 1.0), torch.float64)
    assert torch.allclose(of_one[0], of_both[0][1:], rtol=0, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, torch.from_numpy(0.5 + RNG.random(40))], ids=["equal", "weighted"])
def test_the_loss_of_two_classes_as_one_vector_has_its_conjugate_and_curvature(smoothing, weight):
    softmax = Softmax(CrossEntropy(smoothing), smoothing).weighted(weight)
    loss, u, y = Logistic(softmax), torch.from_numpy(3 * RNG.normal(size=(1, 40))), torch.arange(40) % 2
    value, theta = loss.value_and_theta(u, y)
    # Fenchel–Young: an equality at the derivative, and an inequality at any other point.
    assert torch.allclose(value + loss.conjugate(theta, y), (theta * u).sum(0), rtol=0, atol=1e-12)
    shrunk = 0.3 * theta
    assert bool((value + loss.conjugate(shrunk, y) > (shrunk * u).sum(0)).all())
    centred = loss.centre(theta, y)
    assert float(centred.sum()) == pytest.approx(0, abs=1e-12)
    assert bool(loss.conjugate(centred, y).isfinite().all())
    asked = u.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss.value_and_theta(asked, y)[0].sum(), asked, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), asked)
    assert torch.allclose(slope, theta, rtol=0, atol=1e-12)
    assert torch.allclose(loss.curvature(u, y, 0.0), second, rtol=0, atol=1e-12)
    some = torch.arange(40) % 3 == 0
    # Vectorised arithmetic may round otherwise at another place in memory.
    assert torch.allclose(loss.of(some).value_and_theta(u[:, some], y[some])[1], theta[:, some], rtol=1e-14, atol=0)


def test_rows_of_a_sparse_problem_are_those_of_the_dense_one(problem, monkeypatch):
    monkeypatch.setattr(sparse_problem, "CHUNK_NUMBERS", 100)  # so that there are several pieces
    for dtype in (torch.float64, torch.float32):
        pieces = [(x, y) for _, x, y in problem.chunks(dtype)]
        assert len(pieces) > 3
        assert torch.equal(torch.cat([x for x, _ in pieces]), torch.from_numpy(X).to(dtype))
        assert torch.equal(torch.cat([y for _, y in pieces]), problem.y)
    rows = torch.from_numpy(RNG.random(40) < 0.5)
    (ours, share), (theirs, its_share) = (each.restricted(rows) for each in (problem, problem.dense()))
    assert share == its_share and torch.equal(ours.weight, theirs.weight)
    found, expected = (evaluate(each, WEIGHT, BIAS, torch.float64).objective for each in (ours, theirs))
    assert found == pytest.approx(expected, rel=1e-14)


def test_orthants_end_at_the_support_of_coordinate_descent():
    x = scipy.sparse.random_array((2000, 1500), density=0.01, rng=RNG, format="csr")
    y = x @ (RNG.normal(size=1500) * (RNG.random(1500) < 0.1)) + RNG.normal(0, 0.1, 2000)
    problem = SparseProblem.of(x, torch.from_numpy(y)[:, None], convex_loss_of(SquaredError()), 1, 3e-4, 0.0, True)
    steps: list[float] = []

    def done(weight: torch.Tensor, bias: torch.Tensor, promised: float) -> bool:
        steps.append(promised)
        return promised < 1e-16

    weight, bias, n_steps = orthants.minimise(problem, *problem.zeros(), done=done, tolerance=1e-8)
    theirs = Lasso(3e-4, tol=1e-10, max_iter=10_000).fit(x, y)
    assert n_steps < orthants.FEW_STEPS
    assert 50 < (theirs.coef_ != 0).sum() < 1000
    assert weight[0].numpy() == pytest.approx(theirs.coef_, abs=1e-6)
    assert float(bias) == pytest.approx(theirs.intercept_, abs=1e-7)
