"""The order in which training examples are visited: a pure function of (seed, epoch).

Nothing is carried from epoch to epoch, so a run that is resumed in epoch 7 sees the batches that an uninterrupted
one saw, and models trained side by side see the same ones as models trained alone.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from linnet.seeds import generator

MINIBATCHES_PER_BUNDLE = 256
"""Minibatches that travel in one Lightning batch. Lightning spends 0.28 ms on each of its batches, more than a whole
step of a small linear model, so it is given few. 256 bound the memory of collected losses, and the time between two
chances to write a checkpoint."""


def epoch_order(n_samples: int, seed: int, epoch: int) -> Tensor:
    """A permutation of 0 … n_samples − 1, int64 `[n_samples]`."""
    return torch.randperm(n_samples, generator=generator(seed, "order", epoch))


class Bundles:
    """One epoch of minibatches, as Lightning's training data loader.

    Iterating yields int64 tensors of row indices, each the concatenation of up to `per_bundle` minibatches; the last
    minibatch of the epoch is short when batch_size does not divide n_samples. Minibatches of the epoch that were done
    before are left out, so that a run goes on in the middle; their bundles come empty, since Lightning counts them.

    Args:
        n_samples: training examples.
        batch_size: examples per minibatch.
        seed: of the order.
        steps_done: called at the start of each epoch for the number of minibatches done in all epochs.
        overfit_batches: visit only the first so many minibatches of epoch 0, in every epoch; 0: all.
        per_bundle: minibatches in a bundle.
    """

    def __init__(
        self,
        n_samples: int,
        batch_size: int,
        seed: int,
        steps_done: Callable[[], int],
        overfit_batches: int = 0,
        per_bundle: int = MINIBATCHES_PER_BUNDLE,
    ) -> None:
        self.n_samples, self.batch_size, self.seed, self.steps_done = n_samples, batch_size, seed, steps_done
        self.per_bundle = per_bundle
        self.n_visited = min(n_samples, overfit_batches * batch_size) if overfit_batches else n_samples
        self.overfit = overfit_batches > 0

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.n_visited // self.batch_size)

    def __len__(self) -> int:
        return -(-self.steps_per_epoch // self.per_bundle)

    def __iter__(self) -> Iterator[Tensor]:
        epoch, done = divmod(self.steps_done(), self.steps_per_epoch)
        order = epoch_order(self.n_samples, self.seed, 0 if self.overfit else epoch)
        length = self.batch_size * self.per_bundle
        for start, rows in enumerate(order[: self.n_visited].split(length)):
            yield rows[max(0, done * self.batch_size - start * length) :]
