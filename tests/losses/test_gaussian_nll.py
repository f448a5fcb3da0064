import math

import pytest
import torch
from torch.testing import assert_close

from linnet.losses import GaussianNLL, SquaredError


@pytest.mark.parametrize("sigma", [0.1, 1.0, 7.0])
class TestGaussianNLL:
    def test_is_squared_error_over_variance_plus_constant(self, sigma, examples):
        prediction, target = examples(SquaredError())
        constant = 0.5 * math.log(2 * math.pi * sigma**2)
        n_outputs = prediction.shape[-1]
        expected = SquaredError().value(prediction, target) / sigma**2 + n_outputs * constant
        assert_close(GaussianNLL(sigma).value(prediction, target), expected)
        expected = SquaredError().gradient(prediction, target) / sigma**2
        assert_close(GaussianNLL(sigma).gradient(prediction, target), expected)

    def test_is_minus_the_log_of_a_density(self, sigma):
        grid = torch.linspace(-10 * sigma, 10 * sigma, 20_001, dtype=torch.float64)
        density = (-GaussianNLL(sigma).value(grid.reshape(1, -1, 1), torch.zeros_like(grid).unsqueeze(-1))).exp()
        assert torch.trapezoid(density[0], grid).item() == pytest.approx(1)
        assert torch.trapezoid(density[0] * grid**2, grid).item() == pytest.approx(sigma**2)


def test_a_sigma_whose_square_underflows_has_a_finite_value():
    at_target = torch.zeros(1, 1, 1, dtype=torch.float64)
    assert GaussianNLL(1e-200).value(at_target, at_target[0]).isfinite().all()
