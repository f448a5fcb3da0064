import math

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from linnet import information
from linnet.losses import CrossEntropy, softmax
from linnet.losses.cross_entropy import MANY

timeless = settings(deadline=None)  # the first call of a torch function is slow on a busy machine


def logits_within(bound: float) -> st.SearchStrategy[torch.Tensor]:
    """Logits `[K, B, C]` of at most `bound` in magnitude, with two classes at least."""
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(2, 6))
    return st.builds(
        lambda shape, seed: bound * (2 * torch.rand(shape, generator=torch.Generator().manual_seed(seed)) - 1).double(),
        shapes,
        st.integers(0, 2**32 - 1),
    )


class TestSoftmax:
    @timeless
    @given(logits_within(10))
    def test_gives_probabilities(self, logits):
        p = softmax(logits)
        assert ((p > 0) & (p < 1)).all()
        assert_close(p.sum(-1), torch.ones(p.shape[:-1]).double())

    @timeless
    @given(logits_within(10), st.floats(-1e3, 1e3))
    def test_is_unchanged_by_a_constant(self, logits, constant):
        assert_close(softmax(logits + constant), softmax(logits), rtol=1e-9, atol=1e-12)

    @timeless
    @given(logits_within(1e4))
    def test_is_finite_for_any_logits(self, logits):
        p = softmax(logits)
        assert ((p >= 0) & (p <= 1)).all()
        assert_close(p.sum(-1), torch.ones(p.shape[:-1]).double())

    def test_worked_by_hand(self):
        assert_close(softmax(torch.tensor([0.0, math.log(3)])), torch.tensor([0.25, 0.75]))
        assert softmax(torch.tensor([1e4, -1e4, 1e4])).tolist() == [0.5, 0.0, 0.5]

    @pytest.mark.parametrize("dim", [0, 1, -1])
    def test_runs_along_the_dimension_asked_for(self, dim):
        logits = torch.randn(3, 4, 5, dtype=torch.float64)
        assert_close(softmax(logits, dim=dim), torch.softmax(logits, dim=dim))


class TestCrossEntropy:
    def test_uniform_logits_cost_log_n_classes(self):
        value = CrossEntropy().value(torch.zeros(1, 2, 10), torch.tensor([0, 9]))
        assert_close(value, torch.full((1, 2), math.log(10)))

    def test_is_the_surprise_at_the_label(self):
        logits = torch.tensor([[[math.log(0.1), math.log(0.3), math.log(0.6)]]], dtype=torch.float64)
        value = CrossEntropy().value(logits, torch.tensor([1]))
        assert_close(value[0, 0], information.self_information(0.3))

    def test_extreme_logits_give_the_difference(self):
        logits = torch.tensor([[[1e4, -1e4], [-1e4, 1e4]]])
        value, gradient = CrossEntropy().value_and_gradient(logits, torch.tensor([0, 0]))
        assert value.tolist() == [[0.0, 2e4]]
        assert gradient.tolist() == [[[0.0, 0.0], [-1.0, 1.0]]]

    @timeless
    @given(logits_within(1e4), st.floats(0, 0.9))
    def test_is_never_negative_and_its_gradient_sums_to_zero(self, logits, label_smoothing):
        target = torch.arange(logits.shape[1]) % logits.shape[2]
        value, gradient = CrossEntropy(label_smoothing).value_and_gradient(logits, target)
        assert (value >= 0).all()
        assert_close(gradient.sum(-1), torch.zeros(logits.shape[:-1]).double(), rtol=0, atol=1e-12)

    def test_mean_is_the_class_probabilities(self):
        logits = torch.randn(2, 5, 3)
        assert torch.equal(CrossEntropy().mean(logits), softmax(logits))

    def test_can_be_differentiated_after_value_and_gradient(self, examples):
        logits, target = examples(CrossEntropy())
        leaf = logits.detach().requires_grad_()
        value, gradient = CrossEntropy().value_and_gradient(leaf, target)
        value.sum().backward()
        assert_close(leaf.grad, gradient.detach())

    @pytest.mark.parametrize("scale", [1.0, 100.0], ids=["likely", "underflows"])
    def test_many_logits_at_once_are_as_exact(self, scale):
        logits = scale * torch.randn(1 + MANY // 300, 100, 3).transpose(1, 2)
        target = torch.randint(100, (3,))
        value, gradient = CrossEntropy().value_and_gradient(logits, target)
        assert_close(value.double(), CrossEntropy().value(logits.double(), target), rtol=1e-6, atol=1e-6)
        assert_close(gradient.double(), CrossEntropy().gradient(logits.double(), target), rtol=1e-5, atol=1e-6)
        leaf = logits.detach().requires_grad_()
        CrossEntropy().value_and_gradient(leaf, target)[0].sum().backward()
        assert_close(leaf.grad, gradient, rtol=1e-5, atol=1e-6)

    def test_a_class_that_does_not_exist_is_refused(self):
        with pytest.raises(RuntimeError, match="out of bounds"):
            CrossEntropy().value(torch.zeros(1, 1, 3), torch.tensor([3]))


class TestLabelSmoothing:
    @timeless
    @given(logits_within(5), st.floats(0, 0.9))
    def test_is_cross_entropy_from_the_smoothed_label(self, logits, label_smoothing):
        n_classes = logits.shape[-1]
        target = torch.arange(logits.shape[1]) % n_classes
        onehot = torch.eye(n_classes, dtype=torch.float64)[target]
        q = (1 - label_smoothing) * onehot + label_smoothing / n_classes
        value, gradient = CrossEntropy(label_smoothing).value_and_gradient(logits, target)
        assert_close(value, information.cross_entropy(q, softmax(logits)), rtol=1e-6, atol=1e-9)
        assert_close(gradient, softmax(logits) - q, rtol=0, atol=1e-12)

    def test_minimum_is_the_entropy_of_the_smoothed_label(self):
        q = torch.tensor([0.92, 0.04, 0.04], dtype=torch.float64)  # ε = 0.12 over 3 classes
        value, gradient = CrossEntropy(0.12).value_and_gradient(q.log().reshape(1, 1, 3), torch.tensor([0]))
        assert_close(value[0, 0], information.entropy(q))
        assert_close(gradient, torch.zeros(1, 1, 3).double())
