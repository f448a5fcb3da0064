"""Responses of filters are those of the formula, and the same for every run of a seed."""

import pytest
import torch

from linnet.data import digits, random_convolution
from linnet.data.sources.random_convolution import responses


def test_responses_worked_by_hand():
    image = torch.tensor([[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 8.0]])
    same, negative, left = torch.zeros(3, 3, 3)
    same[1, 1], negative[1, 1], left[1, 0] = 1, -1, 1
    found = responses(image[None], torch.stack([same, negative, left])[:, None])
    # The neighbour on the left of a pixel in the first column is beyond the edge, and 0.
    assert found.tolist() == [[2.5, 0, 0, 2, 0, 0, 0, 0, (1 + 3) / 4, (2 + 4) / 4, 0, 0]]


@pytest.mark.parametrize("filter_size", [1, 3, 5, 7])
def test_has_16_features_for_each_filter_and_the_labels_of_the_digits(filter_size):
    found, pictures = random_convolution(6, filter_size, "float32", seed=0), digits("float32", seed=0)
    for part in ("train", "test"):
        examples = getattr(found, part)
        assert examples.x.shape == (len(getattr(pictures, part)), 96)
        assert examples.x.dtype == torch.float32 and (examples.x >= 0).all()
        assert torch.equal(examples.y, getattr(pictures, part).y)
    assert found.image_shape is None and found.class_names == pictures.class_names


def test_is_a_function_of_the_seed():
    first = random_convolution(4, 3, "float64", seed=0)
    torch.manual_seed(3)
    assert torch.equal(random_convolution(4, 3, "float64", seed=0).train.x, first.train.x)
    assert not torch.equal(random_convolution(4, 3, "float64", seed=1).train.x, first.train.x)
