import torch

from linnet.losses import AbsoluteError


class TestAbsoluteError:
    def test_is_the_distance_summed_over_outputs(self):
        prediction, target = torch.tensor([[[1.0, 5.0]]]), torch.tensor([[4.0, 1.0]])
        assert AbsoluteError().value(prediction, target).tolist() == [[7.0]]
        assert AbsoluteError().gradient(prediction, target).tolist() == [[[-1.0, 1.0]]]

    def test_a_perfect_fit_has_no_gradient(self):
        prediction = torch.randn(2, 5, 3)
        assert torch.equal(AbsoluteError().gradient(prediction[:1], prediction[0]), torch.zeros(1, 5, 3))

    def test_a_constant_prediction_is_best_at_the_median(self):
        target = torch.tensor([[1.0], [2.0], [900.0]])
        at_median = torch.full((1, 3, 1), 2.0)
        assert AbsoluteError().gradient(at_median, target).sum() == 0
