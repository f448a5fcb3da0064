import pytest
import torch
from torch.testing import assert_close

from linnet.losses import CrossEntropy, CrossEntropyNaive


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
class TestCrossEntropyNaive:
    def test_equals_the_stable_one_for_small_logits(self, label_smoothing, examples):
        naive, stable = CrossEntropyNaive(label_smoothing), CrossEntropy(label_smoothing)
        prediction, target = examples(naive)
        for got, expected in zip(
            naive.value_and_gradient(prediction, target), stable.value_and_gradient(prediction, target), strict=True
        ):
            assert_close(got, expected, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize(("dtype", "logit"), [(torch.float32, 100.0), (torch.float64, 1000.0)])
    @pytest.mark.parametrize("sign", [1, -1], ids=["overflow", "underflow"])
    def test_fails_where_the_stable_one_does_not(self, label_smoothing, dtype, logit, sign):
        prediction = sign * torch.tensor([[[logit, 1.2 * logit, 1.1 * logit]]], dtype=dtype)
        target = torch.tensor([1])
        naive = CrossEntropyNaive(label_smoothing).value(prediction, target)
        stable, gradient = CrossEntropy(label_smoothing).value_and_gradient(prediction, target)
        assert not naive.isfinite().any()
        assert stable.isfinite().all()
        assert gradient.isfinite().all()

    def test_overflow_reaches_the_gradient(self, label_smoothing):
        gradient = CrossEntropyNaive(label_smoothing).gradient(torch.full((1, 1, 3), 500.0), torch.tensor([0]))
        assert gradient.isnan().all()
