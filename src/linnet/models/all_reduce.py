"""Sum gradients over processes, so that shares of a minibatch give the gradient of the whole."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from linnet.data import Batch

Objective = Callable[[Batch], tuple[Tensor, list[Tensor]]]
"""batch -> (mean loss `[K]`, gradients of the mean loss + penalty, one per parameter)."""

SLICE = timedelta(seconds=1)
"""Python hears of a signal only between two waits."""


def share(rows: Tensor, sizes: Sequence[int], rank: int, size: int) -> tuple[Tensor, list[int]]:
    """Return the rows that process `rank` of `size` computes, and how many of each minibatch, which may be none.

    Args:
        rows: those of all minibatches, one after the other.
        sizes: of the minibatches.
    """
    if size == 1:
        return rows, list(sizes)
    shares = [part[rank::size] for part in rows.split(list(sizes))]
    return torch.cat(shares), [len(part) for part in shares]


def all_reduce_mean(objective: Objective, size: int) -> Objective:
    """Return the objective of whole minibatches, made from the objective of one process's share.

    Means over shares of b of B examples, weighted by b/B, add up to the mean over the minibatch; a penalty, which is in
    each of them, to itself. What comes out is equal in all processes, bit for bit, so that their weights stay so.
    """
    return objective if size == 1 else _average(objective)


def _average(objective: Objective) -> Objective:
    def over_all(batch: Batch) -> tuple[Tensor, list[Tensor]]:
        parts, n = objective(batch), len(batch.y)
        tensors = [parts[0], *parts[1]]
        flat = torch.cat([*(tensor.detach().reshape(-1) for tensor in tensors), tensors[0].new_ones(1)])
        if n:
            flat *= n
        else:
            flat.zero_()  # of no examples the mean is not a number
        _add_up(flat)
        pieces = (flat[:-1] / flat[-1]).split([tensor.numel() for tensor in tensors])
        value, *grads = (piece.view(tensor.shape) for piece, tensor in zip(pieces, tensors, strict=True))
        return value, grads

    return over_all


def _add_up(flat: Tensor) -> None:
    """Sum over all processes, in place. Raises RuntimeError if one of them has ended or does not answer."""
    if flat.is_cuda:
        dist.all_reduce(flat)
        return
    work = dist.all_reduce(flat, async_op=True)
    assert work is not None
    while True:
        try:
            work.wait(SLICE)
            return
        except RuntimeError:
            if work.is_completed():
                raise
