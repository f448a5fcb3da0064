"""Optima of weighted examples: against rows written out, other libraries and exact arithmetic; invariances."""

import math
import re
import sys

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy.optimize import linprog, minimize
from sklearn.linear_model import LogisticRegression, Ridge

from linnet.data import Examples
from linnet.losses import (
    AbsoluteError,
    CrossEntropy,
    GaussianNLL,
    Huber,
    PoissonNLL,
    SquaredError,
    TorchCrossEntropy,
    TorchHuber,
    TorchSquaredError,
)
from linnet.penalties import L1, L2, ElasticNet, NoPenalty
from linnet.solvers.smoothness import curvature
from linnet.solvers.solve import solve

COUNTS = torch.tensor([0, 1, 2, 3] * 15)
LOSSES = [SquaredError(), TorchSquaredError(), GaussianNLL(0.5), Huber(0.7), TorchHuber(0.7), AbsoluteError()]
LOSSES += [PoissonNLL(), CrossEntropy(), CrossEntropy(0.1), TorchCrossEntropy(0.1)]
ROBUST = (Huber, TorchHuber, AbsoluteError)
PENALTIES = [NoPenalty(), L1(0.1), L2(0.2), ElasticNet(0.3)]


def weighted(draw, loss) -> Examples:
    examples = draw(loss)
    return Examples(examples.x, examples.y, 0.7 * COUNTS.double())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_integer_weights_are_copies_of_rows(draw, loss, penalty, bias):
    examples = weighted(draw, loss)
    rows = torch.repeat_interleave(torch.arange(60), COUNTS)
    copies = Examples(examples.x[rows], examples.y[rows])
    found, expected = (
        solve(given, loss, penalty, bias=bias, tolerance=1e-12, n_outputs=3) for given in (examples, copies)
    )
    assert (found.attained, found.unique) == (expected.attained, expected.unique)
    assert max(found.suboptimality_bound, expected.suboptimality_bound) <= 1e-9
    assert (
        abs(found.objective - expected.objective)
        <= max(found.suboptimality_bound, expected.suboptimality_bound) + 1e-14
    )
    if expected.unique or (isinstance(loss, CrossEntropy | TorchCrossEntropy) and not penalty.l1):
        torch.testing.assert_close(found.weight, expected.weight, rtol=0, atol=1e-6)
    x = examples.x[COUNTS > 0]
    ours, theirs = x @ found.weight.T + found.bias, x @ expected.weight.T + expected.bias
    if examples.y.dim() == 1:  # a common change of all logits changes nothing
        ours, theirs = ours.softmax(1), theirs.softmax(1)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("bias", [True, False])
def test_is_numpys_least_squares_of_weighted_rows(draw, bias):
    examples = weighted(draw, SquaredError())
    found = solve(examples, SquaredError(), NoPenalty(), bias=bias)
    x, y, root = examples.x.numpy(), examples.y.numpy(), np.sqrt(COUNTS.numpy())[:, None]
    design = np.hstack([x, np.ones((60, 1))]) if bias else x
    expected = np.linalg.lstsq(root * design, root * y, rcond=None)[0]
    np.testing.assert_allclose(found.weight.T, expected[:4], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.bias, expected[4] if bias else 0.0, rtol=0, atol=1e-12)
    residual = y - design @ expected
    assert found.objective == pytest.approx((COUNTS.numpy() @ residual**2).sum() / (2 * COUNTS.sum().item()), rel=1e-12)


@pytest.mark.parametrize("weight", [torch.ones(3), -torch.ones(60), torch.zeros(60), torch.full((60,), torch.nan)])
def test_weights_that_are_none_are_refused(draw, weight):
    examples = draw(SquaredError())
    with pytest.raises(ValueError, match=re.escape(f"weights are ({len(weight)},)")):
        solve(Examples(examples.x, examples.y, weight), SquaredError(), NoPenalty(), bias=True)


@pytest.mark.parametrize("bias", [True, False])
def test_curvature_is_that_of_copied_rows(draw, bias, monkeypatch):
    monkeypatch.setattr(sys.modules[curvature.__module__], "BLOCK", 25)  # the function hides its module
    x = draw(SquaredError()).x
    found = curvature(x, SquaredError(), L2(0.1), bias=bias, sample_weight=COUNTS.double() / 3)
    expected = curvature(torch.repeat_interleave(x, COUNTS, 0), SquaredError(), L2(0.1), bias=bias)
    assert found.exact
    assert found.largest == pytest.approx(expected.largest, rel=1e-12)
    assert found.smallest == pytest.approx(expected.smallest, rel=1e-10)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_neither_order_nor_unit_of_the_weights_matters(draw, loss):
    examples, penalty = weighted(draw, loss), ElasticNet(0.05)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    assert examples.weight is not None
    moved = Examples(examples.x[order], examples.y[order], examples.weight[order])
    scaled = Examples(examples.x, examples.y, examples.weight * 1e-200)
    first, *others = (
        solve(given, loss, penalty, bias=True, tolerance=1e-12, n_outputs=3) for given in (examples, moved, scaled)
    )
    for other in others:
        assert (
            abs(other.objective - first.objective) <= max(first.suboptimality_bound, other.suboptimality_bound) + 1e-14
        )
        torch.testing.assert_close(other.weight, first.weight, rtol=0, atol=1e-6)


def test_examples_of_weight_zero_do_not_exist(draw):
    """A class, a count and a row that breaks separability, all of weight 0."""
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0], [5.0]], dtype=torch.float64)
    weight = torch.tensor([1.0, 2.0, 1.0, 1.0, 0.0])
    labels, counts = torch.tensor([0, 0, 1, 1, 0]), torch.tensor([[0.0], [0.0], [0.0], [0.0], [7.0]]).double()
    separable = solve(Examples(x, labels, weight), CrossEntropy(), NoPenalty(), bias=True)
    assert (separable.attained, separable.objective) == (False, 0.0)
    never = solve(Examples(x, counts, weight), PoissonNLL(), NoPenalty(), bias=True)
    assert (never.attained, never.objective) == (False, 0.0)
    absent = solve(Examples(x, torch.tensor([0, 1, 0, 1, 2]), weight), CrossEntropy(), L2(0.1), bias=True, n_outputs=3)
    assert not absent.attained  # the bias of a class without an example falls for ever


def test_part_of_the_examples_that_decides_the_infimum_keeps_its_weight():
    """Counts of 0 that a direction of recession takes out, and the rest, whose optimum is known: a mean."""
    x = torch.tensor([[0.0], [0.0], [1.0], [1.0]], dtype=torch.float64)
    y = torch.tensor([[1.0], [4.0], [0.0], [0.0]], dtype=torch.float64)
    weight = torch.tensor([2.0, 1.0, 3.0, 4.0], dtype=torch.float64)
    found = solve(Examples(x, y, weight), PoissonNLL(), NoPenalty(), bias=True)
    mean = 2.0  # (2 · 1 + 1 · 4) / 3
    assert not found.attained
    assert found.objective == pytest.approx(0.3 * (mean - mean * math.log(mean)), abs=1e-9)


class TestOtherLibraries:
    @pytest.fixture(autouse=True)
    def _weights(self):
        self.weight = 10 ** np.random.default_rng(0).uniform(-2, 2, 60)

    def solve(self, draw, loss, penalty, n_outputs=1):
        examples = draw(loss, n_outputs=n_outputs)
        self.x, self.y = examples.x.numpy(), examples.y.numpy()
        examples = Examples(examples.x, examples.y, torch.from_numpy(self.weight))
        return solve(examples, loss, penalty, bias=True, tolerance=1e-13, n_outputs=n_outputs)

    def test_poisson_is_statsmodels_glm(self, draw):
        found = self.solve(draw, PoissonNLL(), NoPenalty())
        model = sm.GLM(self.y[:, 0], sm.add_constant(self.x), sm.families.Poisson(), freq_weights=self.weight)
        expected = model.fit(tol=1e-14, maxiter=200).params
        np.testing.assert_allclose([found.bias[0], *found.weight[0]], expected, rtol=1e-8)

    def test_two_classes_are_statsmodels_logit(self, draw):
        found = self.solve(draw, CrossEntropy(), NoPenalty(), 2)
        model = sm.GLM(self.y, sm.add_constant(self.x), sm.families.Binomial(), freq_weights=self.weight)
        expected = model.fit(tol=1e-14, maxiter=200).params
        ours = [found.bias[1] - found.bias[0], *(found.weight[1] - found.weight[0])]
        np.testing.assert_allclose(ours, expected, rtol=1e-7, atol=1e-9)

    def test_l2_of_many_classes_is_scikit_learns(self, draw):
        found = self.solve(draw, CrossEntropy(), L2(0.05), 3)
        strength = 0.05 * self.weight.sum()  # scikit-learn has a sum of losses
        theirs = LogisticRegression(C=1 / strength, tol=1e-12, max_iter=10_000).fit(self.x, self.y, self.weight)
        np.testing.assert_allclose(found.weight, theirs.coef_, rtol=0, atol=1e-6)

    def test_l2_of_squared_error_is_scikit_learns(self, draw):
        found = self.solve(draw, SquaredError(), L2(0.05))
        theirs = Ridge(0.05 * self.weight.sum(), solver="cholesky").fit(self.x, self.y[:, 0], self.weight)
        np.testing.assert_allclose(found.weight[0], theirs.coef_, rtol=1e-9)

    def test_absolute_error_is_scipys_linear_programme(self, draw):
        found = self.solve(draw, AbsoluteError(), NoPenalty())
        w, n = self.weight, 60
        result = linprog(
            np.concatenate([np.zeros(5), np.tile(w / w.sum(), 2)]),
            A_eq=np.hstack([self.x, np.ones((n, 1)), np.eye(n), -np.eye(n)]), b_eq=self.y[:, 0],
            bounds=[(None, None)] * 5 + [(0, None)] * (2 * n),
        )  # fmt: skip
        assert found.objective == pytest.approx(result.fun, rel=1e-9)
        np.testing.assert_allclose(found.weight[0], result.x[:4], atol=1e-7)

    @pytest.mark.parametrize("penalty", [NoPenalty(), L2(0.1)], ids=repr)
    def test_huber_is_scipys_minimum(self, draw, penalty):
        found = self.solve(draw, Huber(0.7), penalty)
        share = self.weight / self.weight.sum()

        def objective(beta):
            size = np.abs(self.x @ beta[:4] + beta[4] - self.y[:, 0])
            values = np.where(size <= 0.7, size**2 / 2, 0.7 * (size - 0.35))
            return share @ values + penalty.l2 / 2 * beta[:4] @ beta[:4]

        begin = np.append(found.weight[0].numpy(), found.bias.numpy())
        assert found.objective == pytest.approx(objective(begin), rel=1e-13)
        result = minimize(objective, begin + 0.1, options={"gtol": 1e-9})
        np.testing.assert_allclose(result.x, begin, atol=1e-5)
        assert result.fun >= found.lower


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_weights_over_twelve_decades(draw, loss, penalty, bias):
    examples = draw(loss, seed=2)
    stream = torch.Generator().manual_seed(1)
    weight = 10 ** (12 * torch.rand(60, generator=stream, dtype=torch.float64) - 6)
    found = solve(Examples(examples.x, examples.y, weight), loss, penalty, bias=bias, tolerance=1e-10, n_outputs=3)
    # Without a penalty, the distance to the minimum is bounded by way of the lightest row: √(1e-12) of the heaviest.
    assert found.suboptimality_bound <= (1e-7 if isinstance(loss, ROBUST) and not penalty.l2 else 1e-8)

    def objective(at: torch.Tensor, offset: torch.Tensor) -> float:
        values = loss.value((examples.x @ at.T + offset)[None], examples.y)[0]
        return float((values * weight).sum() / weight.sum() + penalty.value(at[None])[0])

    assert found.objective == pytest.approx(objective(found.weight, found.bias), rel=1e-12)
    for size in (1e-6, 1e-4, 1e-2, 1.0):
        moved = found.weight + size * torch.randn(found.weight.shape, generator=stream, dtype=torch.float64)
        shifted = found.bias + bias * size * torch.randn(3, generator=stream, dtype=torch.float64)
        assert objective(moved, shifted) >= found.lower
