"""The order of training examples: a pure function of (seed, epoch).

Nothing is carried from epoch to epoch, so a run that is resumed in epoch 7 sees the batches that an uninterrupted
one saw, and models trained together see the same ones as models trained alone.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from linnet.system.seeds import generator

MINIBATCHES_PER_CHUNK = 256
"""Minibatches that travel in one Lightning batch. Lightning spends 0.28 ms on each of its batches, more than a whole
step of a small linear model, so it is given few. 256 bound the memory of collected losses, and the time between two
chances to write a checkpoint."""


def epoch_order(n_samples: int, seed: int, epoch: int) -> Tensor:
    """Return a permutation of 0 … n_samples − 1, int64 `[n_samples]`."""
    return torch.randperm(n_samples, generator=generator(seed, "order", epoch))


class Groups(NamedTuple):
    """Shuffling of rows read by blocks: the rows of a few blocks at a time, so that these fit into memory.

    block_rows: consecutive rows in a block; the last block may have fewer.
    blocks: in a group.
    """

    block_rows: int
    blocks: int


def grouped_order(n_samples: int, seed: int, epoch: int, groups: Groups, start: int = 0) -> Iterator[Tensor]:
    """Yield a permutation of 0 … n_samples − 1 in pieces, int64, without its first `start` numbers.

    Blocks are taken in random order, a group of them at a time, and their rows in random order; this is again a pure
    function of (seed, epoch), and groups that come before `start` are not made.
    """
    size = groups.block_rows
    blocks = torch.randperm(-(-n_samples // size), generator=generator(seed, "order", epoch))
    for number, group in enumerate(blocks.split(groups.blocks)):
        firsts = group * size
        count = int((n_samples - firsts).clamp(max=size).sum())
        if start < count:
            rows = (firsts.unsqueeze(1) + torch.arange(size)).flatten()
            rows = rows[rows < n_samples] if len(rows) > count else rows
            yield rows[torch.randperm(count, generator=generator(seed, "order", epoch, number))][start:]
        start = max(0, start - count)


class Chunks:
    """One epoch of minibatches, as Lightning's training data loader.

    Iterating yields int64 tensors of row indices, each the concatenation of up to `per_chunk` minibatches; the last
    minibatch of the epoch is short when batch_size does not divide n_samples. Minibatches of the epoch that were done
    before are left out, so that a run goes on in the middle; their bundles come empty, since Lightning counts them.

    Args:
        n_samples: training examples.
        batch_size: examples per minibatch.
        seed: of the order.
        steps_done: called at the start of each epoch for the number of minibatches done in all epochs.
        overfit_batches: visit only the first so many minibatches of epoch 0, in every epoch; 0: all.
        limit_batches: visit only the first so many minibatches of each epoch; 0: all.
        last_step: called for the number of the minibatch of all epochs that is the last one; None: there is no limit.
        per_chunk: minibatches in a chunk.
        groups: of examples that are read by blocks; None: all are mixed.
    """

    def __init__(
        self,
        n_samples: int,
        batch_size: int,
        seed: int,
        steps_done: Callable[[], int],
        overfit_batches: int = 0,
        per_chunk: int = MINIBATCHES_PER_CHUNK,
        groups: Groups | None = None,
        limit_batches: int = 0,
        last_step: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.n_samples, self.batch_size, self.seed, self.steps_done = n_samples, batch_size, seed, steps_done
        self.per_chunk, self.groups, self.last_step = per_chunk, groups, last_step
        batches = overfit_batches or limit_batches
        self.n_visited = min(n_samples, batches * batch_size) if batches else n_samples
        self.overfit = overfit_batches > 0

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.n_visited // self.batch_size)

    def visited(self, epoch: int) -> int:
        """Return how many examples are visited in an epoch, counted from 0: fewer in one that ends before its time."""
        last = self.last_step()
        return self.n_visited if last is None else max(0, min(self.n_visited, self._rows_before(last, epoch)))

    def _rows_before(self, step: int, epoch: int) -> int:
        return (step - epoch * self.steps_per_epoch) * self.batch_size

    def ends_epoch(self, step: int) -> bool:
        """Return whether an epoch is over after so many minibatches of all epochs."""
        return step % self.steps_per_epoch == 0 or step == self.last_step()

    def __len__(self) -> int:
        return -(-self.steps_per_epoch // self.per_chunk)

    def __iter__(self) -> Iterator[Tensor]:
        number, done = divmod(self.steps_done(), self.steps_per_epoch)
        epoch = 0 if self.overfit else number
        length = self.batch_size * self.per_chunk
        if self.groups is not None:
            for start, rows in enumerate(self._of_groups(self.groups, epoch, done * self.batch_size, length)):
                yield rows[: max(0, self.visited(number) - max(start * length, done * self.batch_size))]
            return
        order = epoch_order(self.n_samples, self.seed, epoch)
        for start, rows in enumerate(order[: self.n_visited].split(length)):
            end = max(0, self.visited(number) - start * length)
            yield rows[max(0, done * self.batch_size - start * length) : end]

    def _of_groups(self, groups: Groups, epoch: int, done: int, length: int) -> Iterator[Tensor]:
        """Do what `__iter__` does with at most a chunk and a group of the order in memory."""
        pieces = grouped_order(self.n_samples, self.seed, epoch, groups, done)
        rest = torch.empty(0, dtype=torch.int64)
        for start in range(0, self.n_visited, length):
            wanted = max(0, min(start + length, self.n_visited) - max(start, done))
            gathered = [rest]
            held = len(rest)
            while held < wanted:
                gathered.append(next(pieces))
                held += len(gathered[-1])
            rows = torch.cat(gathered)
            rest = rows[wanted:]
            yield rows[:wanted]
