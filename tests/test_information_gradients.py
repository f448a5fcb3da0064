"""Derivatives of information theory, against finite differences on distributions, formulas, and limits at zeros."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from linnet.information import binary_entropy, cross_entropy, entropy, kl_divergence, perplexity, self_information

LOGITS = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
INF = math.inf


def gradient(value: Tensor, *by: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value.sum(), by, create_graph=True)


def leaf(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


FUNCTIONS = [
    cross_entropy, kl_divergence, lambda p, q, unit: entropy(p, unit) * entropy(q, unit),
    lambda p, q, unit: perplexity(p, q),
]  # fmt: skip


@pytest.mark.parametrize("unit", ["nats", "bits"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=["cross_entropy", "kl_divergence", "entropy", "perplexity"])
def test_twice_along_distributions(function, unit):
    """Softmax keeps the sum at 1, so finite differences are of distributions."""

    def of_logits(a: Tensor, b: Tensor) -> Tensor:
        return function(a.softmax(-1), b.softmax(-1), unit)

    given = tuple(part.clone().requires_grad_() for part in LOGITS)
    assert gradcheck(of_logits, given) and gradgradcheck(of_logits, given)


def test_twice_of_single_probabilities():
    p = leaf(0.1, 0.5, 0.9)
    for function in (binary_entropy, self_information):
        assert gradcheck(function, p) and gradgradcheck(function, p)


class TestFormulas:
    def test_partial_derivatives(self):
        p, q = leaf(0.2, 0.3, 0.5), leaf(0.6, 0.3, 0.1)
        assert_close(gradient(entropy(p), p)[0], -p.log() - 1)
        by_p, by_q = gradient(kl_divergence(p, q), p, q)
        assert_close(by_p, (p / q).log() + 1)
        assert_close(by_q, -p / q)
        assert_close(gradient(cross_entropy(p, q, "bits"), p, q), (-q.log2(), -p / q / math.log(2)))

    def test_curvature_of_divergence_at_its_minimum_is_fisher_information(self):
        """Also where the sum is a rounding below 0 before it is cut off there."""
        for numbers in ((0.2, 0.3, 0.5), (0.1, 0.2, 0.7), (0.3, 0.3, 0.4), (1 / 3, 1 / 3, 1 / 3)):
            p, q = leaf(*numbers), leaf(*numbers)
            (by_q,) = gradient(kl_divergence(p, q), q)
            assert_close(torch.autograd.grad(by_q.sum(), q)[0], 1 / q)

    def test_a_sum_slightly_off_counts_as_constant(self):
        p = leaf(0.5, 0.5 + 1e-9)
        assert_close(gradient(entropy(p), p)[0], -p.log() - 1, atol=1e-8, rtol=0)


class TestLimits:
    def test_of_entropies(self):
        p = leaf(0.0, 0.25, 0.75)
        assert_close(gradient(entropy(p), p)[0], torch.tensor([INF, math.log(4) - 1, -math.log(0.75) - 1]).double())
        assert gradient(binary_entropy(certain := leaf(0.0, 1.0)), certain)[0].tolist() == [INF, -INF]
        assert gradient(self_information(certain), certain)[0].tolist() == [-INF, -1.0]

    def test_of_pairs(self):
        p, q = leaf(0.0, 0.5, 0.5, 0.0), leaf(0.25, 0.25, 0.5, 0.0)
        by_p, by_q = gradient(cross_entropy(p, q), p, q)
        assert_close(by_p, torch.tensor([math.log(4), math.log(4), math.log(2), 0.0]).double())
        assert by_q.tolist() == [0.0, -2.0, -1.0, 0.0]
        by_p, by_q = gradient(kl_divergence(p, q), p, q)
        assert by_q.tolist() == [0.0, -2.0, -1.0, 0.0]
        assert_close(by_p, torch.tensor([-INF, math.log(2) + 1, 1.0, -INF]).double())

    def test_where_the_value_is_infinite(self):
        p, q = leaf(0.5, 0.5), leaf(1.0, 0.0)
        value = kl_divergence(p, q)
        assert value.item() == INF
        assert gradient(value, q)[0].tolist() == [-0.5, -INF]
