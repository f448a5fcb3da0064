import pytest
import torch

from my_project.metrics import MAPE


def test_value_is_the_percentage_of_each_target():
    prediction, target = torch.tensor([[90.0], [6.0]]), torch.tensor([[100.0], [4.0]])
    assert MAPE().value(prediction, target).tolist() == pytest.approx([10, 50])
