import math

import pytest
import torch
from torch.testing import assert_close

from linnet.losses import PoissonNLL


class TestPoissonNLL:
    @pytest.mark.parametrize("rate", [0.5, 3.0])
    def test_with_log_factorial_it_is_minus_the_log_of_a_probability(self, rate):
        counts = torch.arange(60, dtype=torch.float64).unsqueeze(-1)
        log_rate = torch.full((1, 60, 1), math.log(rate), dtype=torch.float64)
        probability = (-PoissonNLL().value(log_rate, counts) - torch.lgamma(counts + 1).squeeze(-1)).exp()
        assert probability.sum().item() == pytest.approx(1)
        assert (probability[0] * counts[:, 0]).sum().item() == pytest.approx(rate)

    def test_minimum_lies_at_the_logarithm_of_the_count(self):
        counts = torch.tensor([[1.0], [4.0], [250.0]], dtype=torch.float64)
        assert_close(PoissonNLL().gradient(counts.log().unsqueeze(0), counts), torch.zeros(1, 3, 1).double())

    def test_mean_is_the_rate(self):
        log_rate = torch.tensor([[[0.0, math.log(5)]]])
        assert_close(PoissonNLL().mean(log_rate), torch.tensor([[[1.0, 5.0]]]))
