import pytest
import torch

from my_project.losses import Pinball


@pytest.mark.parametrize(
    ("q", "target", "value", "slope"),
    [
        (0.9, 3.0, 1.8, -0.9),  # 0.9 · 2 above the prediction
        (0.9, 0.0, 0.1, 0.1),  # 0.1 · 1 below it
        (0.5, 3.0, 1.0, -0.5),  # half of the absolute error
    ],
)
def test_value_and_slope_at_a_prediction_of_1(q, target, value, slope):
    prediction = torch.tensor([[1.0]], requires_grad=True)
    found = Pinball(q).value(prediction, torch.tensor([[target]]))
    found.sum().backward()
    assert found.tolist() == pytest.approx([value])
    assert prediction.grad.item() == pytest.approx(slope)


def test_the_constant_of_least_loss_is_the_quantile():
    target = torch.arange(1.0, 101.0)[:, None]
    losses = [Pinball(0.895).value(torch.full_like(target, p), target).mean().item() for p in range(1, 101)]
    assert losses.index(min(losses)) + 1 == 90  # the least number that 89.5 % of 1 … 100 are not above
