"""Forward chaining: train on the past, judge by what comes next."""

from dataclasses import dataclass

import torch

from linnet.config.option_types import CountOrZero
from linnet.data.resampling.folds import NFolds
from linnet.data.resampling.resamples import Samples, refuse_too_large
from linnet.data.resampling.resampling import Labels, Resampling, refuse_fewer
from linnet.system.errors import InputError


@dataclass(frozen=True)
class TimeSeries(Resampling):
    """Forward chaining: fold f trains on the first examples and holds out the block that follows, in the order of rows.

    The last n_folds blocks of ⌊N / (n_folds + 1)⌋ examples are held out one after the other, as by scikit-learn's
    TimeSeriesSplit.

    Args:
        n_folds: blocks that are held out, in [2, N).
        gap: examples before a held-out block that are not trained on, such as those whose targets overlap with it.

    Raises:
        ValueError: an option is out of range.
    """

    n_folds: NFolds = 5
    gap: CountOrZero = 0

    def resamples(self, labels: Labels, seed: int) -> Samples:
        n = labels.n_examples
        given = f"resampling.n_folds={self.n_folds}"
        refuse_fewer(n, 2, given)
        if n <= self.n_folds:
            raise InputError(
                f"{given}: forward chaining needs more training examples than folds, there are {n}: "
                + (f"use at most resampling.n_folds={n - 1}" if n > 2 else "use resampling=none")
            )
        refuse_too_large(self.n_folds, n)
        size = n // (self.n_folds + 1)
        starts = n - size * torch.arange(self.n_folds, 0, -1)[:, None]
        if int(starts[0]) <= self.gap:
            raise InputError(
                f"resampling.gap={self.gap}: the first fold has {int(starts[0])} examples before the held-out block, "
                f"none of which is left to train on: use at most resampling.gap={int(starts[0]) - 1}"
            )
        rows = torch.arange(n)
        held_out = (rows >= starts) & (rows < starts + size)
        return Samples((rows < starts - self.gap).to(torch.uint8), held_out)
