"""Without a penalty an optimum may not exist, and its absence is proven."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from scipy.optimize import linprog

from linnet.data import Examples
from linnet.losses import AbsoluteError, CrossEntropy, Huber, PoissonNLL
from linnet.penalties import L1, L2, ElasticNet, NoPenalty
from linnet.solvers.certificates.robust_gap import robust_bound
from linnet.solvers.certificates.self_concordance import self_concordant_bound
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.problem import Problem
from linnet.solvers.robust import lad_vertex as linear_programme
from linnet.solvers.row_space import row_space
from linnet.solvers.solve import solve


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def exact_margins(examples: Examples, ray) -> list[Fraction]:
    """Label's logit less each other's along the ray, in rational arithmetic."""
    weight, bias = ray
    margins = []
    for row, label in zip(examples.x.tolist(), examples.y.tolist(), strict=True):
        logits = [
            Fraction(b) + sum(Fraction(w) * Fraction(x) for w, x in zip(of_class, row, strict=True))
            for of_class, b in zip(weight.tolist(), bias.tolist(), strict=True)
        ]
        margins += [logits[label] - other for c, other in enumerate(logits) if c != label]
    return margins


def shows_nothing_finite(found) -> bool:
    return not found.attained and bool(found.weight.isnan().all()) and bool(found.bias.isnan().all())


class TestSeparable:
    def test_separable_classes_have_no_optimum(self):
        examples = Examples(column(-2, -1, 1, 2), torch.tensor([0, 0, 1, 1]))
        found = solve(examples, CrossEntropy(), NoPenalty(), bias=True)
        assert shows_nothing_finite(found)
        assert (found.objective, found.suboptimality_bound, found.lower) == (0, 0, 0)
        assert min(exact_margins(examples, found.ray)) > 0

    def test_half_separable_classes_have_none_either(self):
        """Two examples at 0 of different classes: they cost log 2 each, the others nothing in the limit."""
        examples = Examples(column(-1, 0, 0, 1), torch.tensor([0, 0, 1, 1]))
        found = solve(examples, CrossEntropy(), NoPenalty(), bias=True)
        assert shows_nothing_finite(found)
        assert found.objective == pytest.approx(math.log(2) / 2, abs=1e-12)
        assert found.suboptimality_bound < 1e-12
        assert "exact arithmetic" in found.certificate
        margins = exact_margins(examples, found.ray)
        assert min(margins) == 0 < max(margins)

    def test_one_class_apart_leaves_the_optimum_of_the_others(self):
        stream = torch.Generator().manual_seed(0)
        x = torch.randn(60, 2, generator=stream, dtype=torch.float64)
        y = torch.arange(60) % 3
        x[y == 2, 0] += 20
        found = solve(Examples(x, y), CrossEntropy(), NoPenalty(), bias=True)
        rest = solve(Examples(x[y < 2], y[y < 2]), CrossEntropy(), NoPenalty(), bias=True)
        assert shows_nothing_finite(found)
        assert rest.attained
        assert found.objective == pytest.approx(rest.objective * 40 / 60, abs=1e-9)

    @pytest.mark.parametrize(("loss", "penalty"), [(CrossEntropy(0.1), NoPenalty()), (CrossEntropy(), L2(1e-3))])
    def test_smoothed_labels_or_a_penalty_bring_it_back(self, loss, penalty):
        examples = Examples(column(-2, -1, 1, 2), torch.tensor([0, 0, 1, 1]))
        found = solve(examples, loss, penalty, bias=True)
        assert found.attained
        assert found.suboptimality_bound <= 1e-8

    def test_a_class_that_never_occurs(self):
        examples = Examples(column(-1, 2, 1, -2), torch.tensor([0, 0, 2, 2]))
        found = solve(examples, CrossEntropy(), L2(0.1), bias=True)
        rest = solve(Examples(examples.x, examples.y // 2), CrossEntropy(), L2(0.1), bias=True)
        assert shows_nothing_finite(found)
        assert found.objective == pytest.approx(rest.objective, abs=1e-9)
        assert solve(examples, CrossEntropy(), L2(0.1), bias=False).attained

    @settings(max_examples=40)
    @given(seed=st.integers(0, 10_000), n_examples=st.integers(6, 20), bias=st.booleans())
    @example(seed=610, n_examples=6, bias=False)  # probabilities of 1 − 1e-16 make a Hessian with negative entries
    def test_attained_is_what_a_linear_programme_says(self, seed, n_examples, bias):
        """Two classes: an optimum exists unless some direction has all margins ≥ 0 and one > 0."""
        stream = torch.Generator().manual_seed(seed)
        x = torch.randint(-2, 3, (n_examples, 2), generator=stream).double()
        y = torch.randint(0, 2, (n_examples,), generator=stream)
        y[:2] = torch.tensor([0, 1])
        design = torch.cat([x, torch.ones(n_examples, int(bias), dtype=torch.float64)], 1)
        margins = (design * (2 * y - 1)[:, None]).numpy()
        total = linprog(-margins.sum(0), A_ub=-margins, b_ub=[0] * n_examples, bounds=[(-1, 1)] * margins.shape[1])
        found = solve(Examples(x, y), CrossEntropy(), NoPenalty(), bias=bias)
        assert found.attained == (-total.fun < 1e-9)
        assert found.suboptimality_bound <= 1e-8


class TestPoisson:
    def test_counts_of_zero_only(self):
        found = solve(Examples(column(1, -2, 3), column(0, 0, 0)), PoissonNLL(), NoPenalty(), bias=True)
        assert shows_nothing_finite(found)
        assert found.objective == 0

    def test_a_feature_that_only_zero_counts_have(self):
        x = torch.cat([column(1, -1, 0.5, -0.5, 0), column(0, 0, 0, 0, 1)], 1)
        y = column(1, 2, 3, 1, 0)
        found = solve(Examples(x, y), PoissonNLL(), NoPenalty(), bias=True)
        rest = solve(Examples(x[:4, :1], y[:4]), PoissonNLL(), NoPenalty(), bias=True)
        assert shows_nothing_finite(found)
        assert found.objective == pytest.approx(rest.objective * 4 / 5, abs=1e-9)

    def test_a_mean_is_fitted_exactly(self):
        y = column(0, 1, 5, 2)
        found = solve(Examples(torch.zeros(4, 1, dtype=torch.float64), y), PoissonNLL(), NoPenalty(), bias=True)
        assert found.bias.item() == pytest.approx(math.log(2), abs=1e-9)
        assert found.objective == pytest.approx(2 - 2 * math.log(2), abs=1e-12)


def problem_of(draw, loss, seed: int) -> Problem:
    examples = draw(loss, seed, n_features=3, n_outputs=1 if loss.task == "regression" else 3)
    n_outputs = 3 if loss.task == "classification" else 1
    return Problem(examples.x, examples.y, convex_loss_of(loss), n_outputs, 0.0, 0.0, True)


@settings(max_examples=60)
@given(
    loss=st.sampled_from([CrossEntropy(), CrossEntropy(0.1), PoissonNLL(), Huber(0.7), AbsoluteError()]),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-6, 1e-3, 1e-2, 0.1]),
)
def test_bounds_hold_away_from_the_optimum(draw, loss, seed, scale):
    problem = problem_of(draw, loss, seed)
    best = solve(Examples(problem.x, problem.y), loss, NoPenalty(), bias=True, tolerance=1e-10)
    if not best.attained:
        return
    stream = torch.Generator().manual_seed(seed)
    weight = best.weight + scale * torch.randn(best.weight.shape, generator=stream, dtype=torch.float64)
    prove = robust_bound if isinstance(loss, Huber | AbsoluteError) else self_concordant_bound
    found = prove(problem, row_space(problem), weight, best.bias)
    if found is None:  # too far away for this proof
        assert scale > 1e-3
        return
    objective, bound = found
    assert objective - bound <= best.objective
    if not isinstance(loss, AbsoluteError):
        assert bound < 1e-7 or scale > 1e-6


def test_absolute_error_is_least_where_a_linear_programme_says(draw):
    problem = problem_of(draw, AbsoluteError(), 5)
    found = solve(Examples(problem.x, problem.y), AbsoluteError(), NoPenalty(), bias=True)
    # The dual programme: maximise −y·θ/N with |θ| ≤ 1 and X̃ᵀθ = 0.
    design, n_examples = problem.design().numpy(), len(problem.x)
    dual = linprog(problem.y[:, 0].numpy() / n_examples, A_eq=design.T, b_eq=[0] * 4, bounds=[(-1, 1)] * n_examples)
    assert found.objective == pytest.approx(-dual.fun, abs=1e-9)


def test_median_is_least_absolute_deviations_without_features():
    found = solve(Examples(torch.zeros(5, 1, dtype=torch.float64), column(1, 7, 3, 100, 2)), AbsoluteError(),
                  NoPenalty(), bias=True)  # fmt: skip
    assert found.bias.item() == pytest.approx(3)
    assert found.suboptimality_bound < 1e-10


@pytest.mark.parametrize("penalty", [NoPenalty(), L1(0.03), ElasticNet(0.05)], ids=repr)
def test_absolute_error_too_large_for_a_linear_programme(draw, monkeypatch, penalty):
    """Huber's loss of vanishing width ends at the very same vertex."""
    examples = draw(AbsoluteError(), n_examples=300)
    exact = solve(examples, AbsoluteError(), penalty, bias=True)
    monkeypatch.setattr(linear_programme, "LARGEST", 0)
    found = solve(examples, AbsoluteError(), penalty, bias=True)
    assert found.suboptimality_bound <= 1e-8
    assert "Huber" in found.method
    torch.testing.assert_close(found.weight, exact.weight, rtol=0, atol=1e-9)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("penalty", [L2(0.02), ElasticNet(0.05)], ids=repr)
def test_absolute_error_with_l2_is_exact_and_not_merely_within_tolerance(draw, penalty, bias):
    found = solve(draw(AbsoluteError()), AbsoluteError(), penalty, bias=bias, tolerance=1e-6)
    assert found.suboptimality_bound < 1e-11
