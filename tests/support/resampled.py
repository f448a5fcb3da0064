"""Labels to resample, and resamples as scikit-learn's splitters yield them."""

import numpy as np
import torch

from linnet.data.resampling import Labels


def classes(*indices):
    return Labels(len(indices), torch.tensor(indices), tuple("abcdefghij"[: max(indices) + 1]))


def sides(resamples):
    """(rows trained on, rows held out) of each resample, as scikit-learn's splitters yield them."""
    pairs = zip(resamples.train.numpy(), resamples.held_out.numpy(), strict=True)
    return [(np.flatnonzero(train), np.flatnonzero(held_out)) for train, held_out in pairs]


def assert_same_sides(resamples, expected):
    for ours, theirs in zip(sides(resamples), expected, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
