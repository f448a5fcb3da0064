"""Where optima are not unique, data is at an edge, or a problem is refused."""

import math

import pytest
import torch

from linnet.data import Examples
from linnet.losses import (
    AbsoluteError,
    CrossEntropy,
    Huber,
    Loss,
    PoissonNLL,
    SquaredError,
)
from linnet.penalties import L1, L2, ElasticNet, NoPenalty
from linnet.solvers.solve import solve

PENALTIES = [NoPenalty(), L2(0.02), L1(0.03), ElasticNet(0.05)]


TOLERANCE = 1e-8


class TestUnique:
    def test_l2_makes_the_weight_unique(self, draw):
        assert solve(draw(CrossEntropy()), CrossEntropy(), L2(0.01), bias=True).unique

    def test_softmax_without_penalty_is_free_to_shift_all_classes(self, draw):
        assert not solve(draw(CrossEntropy()), CrossEntropy(), NoPenalty(), bias=True).unique

    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("seed", range(5))
    def test_and_of_all_shifts_the_shortest_weight_is_taken(self, draw, seed, bias):
        found = solve(draw(CrossEntropy(), seed), CrossEntropy(), NoPenalty(), bias=bias, tolerance=1e-10)
        assert found.weight.sum(0).abs().max() < 1e-12 * (1 + found.weight.abs().max())
        assert found.bias.sum().abs() < 1e-12 * (1 + found.bias.abs().max())

    @pytest.mark.parametrize("loss", [SquaredError(), Huber(0.7), PoissonNLL()], ids=repr)
    def test_independent_features_are_needed(self, draw, loss):
        examples = draw(loss)
        doubled = Examples(torch.cat([examples.x, examples.x], 1), examples.y)
        assert solve(examples, loss, NoPenalty(), bias=True).unique
        assert not solve(doubled, loss, NoPenalty(), bias=True).unique

    def test_lasso_is_unique_unless_features_are_copies(self, draw):
        examples = draw(SquaredError())
        doubled = Examples(torch.cat([examples.x, examples.x], 1), examples.y)
        assert solve(examples, SquaredError(), L1(0.03), bias=True).unique
        assert not solve(doubled, SquaredError(), L1(0.03), bias=True).unique


class TestEdges:
    def test_no_features_leave_the_bias(self):
        y = torch.tensor([[1.0], [2.0], [6.0]], dtype=torch.float64)
        nothing = torch.zeros(3, 0, dtype=torch.float64)
        for loss, best in [(SquaredError(), 3.0), (AbsoluteError(), 2.0), (PoissonNLL(), math.log(3))]:
            for penalty in PENALTIES:
                found = solve(Examples(nothing, y), loss, penalty, bias=True)
                assert found.bias.item() == pytest.approx(best, abs=1e-6)
                assert found.weight.shape == (1, 0)

    def test_features_that_are_zero_get_weight_zero(self, draw):
        examples = draw(CrossEntropy())
        padded = Examples(torch.cat([examples.x, torch.zeros(60, 2, dtype=torch.float64)], 1), examples.y)
        for penalty in PENALTIES:
            found = solve(padded, CrossEntropy(), penalty, bias=True)
            assert found.suboptimality_bound <= TOLERANCE
            assert found.weight[:, -2:].abs().max() < 1e-12

    def test_more_features_than_examples(self):
        stream = torch.Generator().manual_seed(0)
        x = torch.randn(10, 30, generator=stream, dtype=torch.float64)
        y = torch.randn(10, 2, generator=stream, dtype=torch.float64)
        for loss in (SquaredError(), Huber(), AbsoluteError()):
            assert solve(Examples(x, y), loss, NoPenalty(), bias=True).objective < 1e-12
            for penalty in PENALTIES[1:]:
                assert solve(Examples(x, y), loss, penalty, bias=True).suboptimality_bound <= TOLERANCE

    def test_features_of_very_different_scales(self, draw):
        scales = torch.tensor([1e5, 1.0, 1e-2, 1e-5], dtype=torch.float64)
        for loss in (SquaredError(), Huber(0.7), CrossEntropy()):
            examples = draw(loss)
            for penalty in PENALTIES:
                # The allowance for rounding grows with the features, so 1e-8 would be too much to ask.
                found = solve(Examples(examples.x * scales, examples.y), loss, penalty, bias=True)
                assert found.suboptimality_bound <= 10 * TOLERANCE


class TestRefused:
    x = torch.zeros(3, 2, dtype=torch.float64)
    y = torch.zeros(3, 1, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2])

    @pytest.mark.parametrize(
        ("examples", "loss", "options", "words"),
        [
            (Examples(x[:0], y[:0]), SquaredError(), {}, "at least one"),
            (Examples(x, y[:2]), SquaredError(), {}, "N targets"),
            (Examples(x.long(), y), SquaredError(), {}, "float32 or float64"),
            (Examples(x[:, :0], y), SquaredError(), {"bias": False}, "nothing to fit"),
            (Examples(x, y), CrossEntropy(), {}, "class numbers"),
            (Examples(x, labels), SquaredError(), {}, "numbers \\[N, C\\]"),
            (Examples(x * math.nan, y), SquaredError(), {}, "NaN"),
            (Examples(x, y - 1), PoissonNLL(), {}, "counts of at least 0"),
            (Examples(x, labels), CrossEntropy(), {"n_outputs": 2}, "n_outputs is 2"),
            (Examples(x, labels - 1), CrossEntropy(), {}, "the first being 0"),
            (Examples(x, y), SquaredError(), {"tolerance": 0.0}, "tolerance is 0.0"),
            (Examples(x, y), SquaredError(), {"penalty": L2(torch.ones(2))}, "2 strengths"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_one_line_says_why(self, examples, loss, options, words):
        options = {"penalty": NoPenalty(), "bias": True, **options}
        with pytest.raises(ValueError, match=words) as caught:
            solve(examples, loss, **options)
        assert "\n" not in str(caught.value)

    def test_a_loss_of_ones_own(self):
        class Cubic(Loss):
            task = "regression"

            def value(self, prediction, target):
                return (prediction - target).abs().pow(3).sum(-1)

            def gradient(self, prediction, target):
                return 3 * (prediction - target).square()

        with pytest.raises(ValueError, match="no exact solver for Cubic"):
            solve(Examples(self.x, self.y), Cubic(), NoPenalty(), bias=True)
