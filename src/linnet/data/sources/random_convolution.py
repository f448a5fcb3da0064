"""Random convolutional features of the digits."""

from dataclasses import replace
from typing import Annotated, Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, DType, Seed, Words
from linnet.data.sources.shipped import digits
from linnet.data.storage.checksum import checksum
from linnet.data.storage.examples import Examples, Source
from linnet.system.seeds import generator

POOL = 2
"""Pixels along each side of the squares whose responses are averaged."""


@data_source("classification")
def random_convolution(
    n_filters: Count, filter_size: Annotated[Literal[1, 3, 5, 7], Words("1, 3, 5 or 7")], dtype: DType, seed: Seed
) -> Source:
    """Return the digits as max(filter ∗ image, 0) averaged over 2×2 pixels: 16 features per filter.

    A linear probe of them is a network of one hidden layer whose weights stay as they were drawn.

    Source: Saxe et al., On Random Weights and Unsupervised Feature Learning, 2011; Rahimi and Recht, Weighted Sums of
    Random Kitchen Sinks, 2008.

    Args:
        n_filters: how many; each entry of a filter is drawn from N(0, 1).
        filter_size: pixels along each side of a filter, odd; beyond its edges, an image is 0.
        dtype: of the features.
        seed: of the filters.
    """
    pictures = digits("float64", seed)
    assert pictures.test is not None
    rng = generator(seed, "data/filters")
    filters = torch.randn(n_filters, 1, filter_size, filter_size, generator=rng, dtype=torch.float64)

    def seen(examples: Examples) -> Examples:
        return Examples(responses(examples.x.view(-1, 8, 8), filters).to(getattr(torch, dtype)), examples.y)

    train, test = seen(pictures.train), seen(pictures.test)
    return replace(pictures, train=train, test=test, image_shape=None, checksum=checksum(train, test))


def responses(images: Tensor, filters: Tensor) -> Tensor:
    """Return rectified and pooled filter responses, `[N, F (H/2) (W/2)]`, those of one filter side by side.

    Args:
        images: `[N, H, W]`.
        filters: `[F, 1, S, S]`, S odd.
    """
    answers = conv2d(images.unsqueeze(1), filters, padding=filters.shape[-1] // 2).relu_()
    return avg_pool2d(answers, POOL).flatten(start_dim=1)
