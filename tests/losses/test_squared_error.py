import torch
from torch.testing import assert_close

from linnet.losses import SquaredError


class TestSquaredError:
    def test_is_half_the_square_summed_over_outputs(self):
        prediction, target = torch.tensor([[[1.0, 5.0]]]), torch.tensor([[4.0, 1.0]])
        assert SquaredError().value(prediction, target).tolist() == [[(9 + 16) / 2]]
        assert SquaredError().gradient(prediction, target).tolist() == [[[-3.0, 4.0]]]

    def test_a_constant_prediction_is_best_at_the_mean(self):
        target = torch.tensor([[1.0], [2.0], [9.0]])
        at_mean = torch.full((1, 3, 1), 4.0)
        assert SquaredError().gradient(at_mean, target).sum() == 0

    def test_scale_of_the_data_comes_out_squared(self):
        prediction, target = torch.randn(2, 5, 3), torch.randn(5, 3)
        value = SquaredError().value(prediction, target)
        assert_close(SquaredError().value(10 * prediction, 10 * target), 100 * value)
