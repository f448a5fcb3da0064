import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from linnet.losses import AbsoluteError, Huber, SquaredError

timeless = settings(deadline=None)  # the first call of a torch function is slow on a busy machine
finite = st.floats(-1e3, 1e3)


def residuals() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.linspace(-5, 5, 22, dtype=torch.float64).reshape(1, 11, 2), torch.zeros(11, 2, dtype=torch.float64)


class TestHuber:
    def test_both_pieces_worked_by_hand(self):
        prediction, target = torch.tensor([[[1.0], [5.0], [-5.0]]]), torch.zeros(3, 1)
        assert Huber(delta=2.0).value(prediction, target).tolist() == [[0.5, 8.0, 8.0]]  # ½·1², 2·(5 − 1)
        assert Huber(delta=2.0).gradient(prediction, target).tolist() == [[[1.0], [2.0], [-2.0]]]

    def test_large_delta_is_squared_error(self):
        assert_close(Huber(delta=100).value(*residuals()), SquaredError().value(*residuals()))
        assert_close(Huber(delta=100).gradient(*residuals()), SquaredError().gradient(*residuals()))

    def test_small_delta_is_absolute_error_times_delta(self):
        delta = 1e-8
        assert_close(
            Huber(delta).value(*residuals()) / delta, AbsoluteError().value(*residuals()), rtol=0, atol=2 * delta
        )
        assert_close(Huber(delta).gradient(*residuals()) / delta, AbsoluteError().gradient(*residuals()))

    def test_divided_by_delta_it_is_smooth_l1(self):
        prediction, target = residuals()
        smooth = torch.nn.SmoothL1Loss(beta=0.7, reduction="none")(prediction[0], target).sum(-1)
        assert_close(Huber(delta=0.7).value(prediction, target)[0] / 0.7, smooth)

    @timeless
    @given(residual=finite, delta=st.floats(1e-3, 1e3))
    def test_no_residual_pulls_harder_than_delta(self, residual, delta):
        prediction, target = torch.tensor([[[residual]]], dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
        assert Huber(delta).gradient(prediction, target).abs().item() <= delta

    @timeless
    @given(residual=finite, delta=st.floats(1e-3, 1e3), factor=st.floats(1e-2, 1e2))
    def test_scaling_data_and_delta_scales_the_value_by_the_square(self, residual, delta, factor):
        prediction, target = torch.tensor([[[residual]]], dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
        scaled = Huber(factor * delta).value(factor * prediction, target).item()
        assert scaled == pytest.approx(factor**2 * Huber(delta).value(prediction, target).item(), rel=1e-9)
