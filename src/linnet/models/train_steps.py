"""The inner loop of training: a chunk of minibatches, one update each, by gradients summed over processes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor
from torch.linalg import vector_norm

from linnet.data import Batch
from linnet.optimizers import Optimizer
from linnet.optimizers.hyperparameter import Hyperparameter
from linnet.optimizers.optimizer import Idle
from linnet.penalties import Penalty

Objective = Callable[[Batch], tuple[Tensor, list[Tensor]]]
"""batch -> (mean loss `[K]`, gradients of loss + smooth part of the penalty, one per parameter)."""


@dataclass(frozen=True)
class Clip:
    """Gradient clipping, of each model by itself.

    limit: of the Euclidean norm of all gradients together, or of each number.
    by: "norm": gradients g become g · limit / (‖g‖ + 10⁻⁶) where that is less, as by torch's `clip_grad_norm_`;
        "value": their numbers are cut to [-limit, limit].
    """

    limit: float
    by: Literal["norm", "value"]

    def __call__(self, grads: Sequence[Tensor]) -> list[Tensor]:
        """Return the clipped gradients, each `[K, …]`."""
        if self.by == "value":
            return [grad.clamp(-self.limit, self.limit) for grad in grads]
        factor = (self.limit / (gradient_norm(grads) + 1e-6)).clamp(max=1.0)
        return [grad * factor.reshape(-1, *[1] * (grad.dim() - 1)) for grad in grads]


def gradient_norm(grads: Sequence[Tensor]) -> Tensor:
    """Return the Euclidean norm of each model's gradients together, `[K]`."""
    return vector_norm(torch.stack([vector_norm(grad.flatten(1), dim=1) for grad in grads]), dim=0)


@dataclass
class ChunkResult:
    """Losses and gradient norms of a chunk, fetched from the device once.

    losses: mean loss of each minibatch before its update, for each model, `[T, K]` float64; T may be less than was
        asked for.
    grad_norms: step -> Euclidean norm of each model's gradients, `[K]` float64, for the steps that were asked for.
    """

    losses: Tensor
    grad_norms: dict[int, Tensor] = field(default_factory=dict)


def train_chunk(
    objective: Objective,
    params: Sequence[Tensor],
    optimizer: Optimizer,
    state: dict[str, Any],
    penalty: Penalty,
    batches: Iterable[Batch],
    factors: Sequence[Hyperparameter],
    steps: range,
    norm_every: int,
    clip: Clip | None,
    interrupted: Callable[[], bool],
) -> ChunkResult:
    """Update the parameters in place, once per minibatch; under `torch.no_grad()`.

    Args:
        objective: of a minibatch, at the current parameters.
        params: `[weight [K, C, D], bias [K, C]]`, the second only if there is one.
        optimizer, state: the update rule and what it remembers.
        penalty: its smooth part is in the objective's gradients; its proximal part is applied here.
        batches: the minibatches, each used before the next is asked for.
        factors: the schedule's multiplier of the learning rate for each minibatch, one number or `[K]`.
        steps: the number of each update.
        norm_every: gradient norms are taken at the steps that it divides.
        clip: what becomes of the gradients before the update; their norms are taken before.
        interrupted: asked after each minibatch whether to leave out the others.
    """
    losses: list[Tensor] = []
    proximal = penalty.proximal
    norms: dict[int, Tensor] = {}
    for step, batch, factor in zip(steps, batches, factors, strict=True):
        idle = None if batch.idle is None else Idle(params, state, batch.idle)
        value, grads = objective(batch)
        losses.append(value)
        if step % norm_every == 0:  # before the update, which may use the gradients as scratch memory
            norms[step] = gradient_norm(grads)
        if clip is not None:
            grads = clip(grads)
        if optimizer.needs_evaluate:
            optimizer.minimise(params, partial(_again, objective, penalty, params[0], batch), state, factor)
        else:
            optimizer.update(params, grads, state, factor)
        if proximal:
            penalty.proximal_step(params[0], optimizer.step_size(0, state, factor))
        if idle is not None:
            idle.restore()
        if interrupted():
            break
    fetched = torch.stack([*losses, *norms.values()]).double().cpu()
    return ChunkResult(fetched[: len(losses)], dict(zip(norms, fetched[len(losses) :], strict=True)))


def _again(objective: Objective, penalty: Penalty, weight: Tensor, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    """Return objective and gradients of all models at the current parameters."""
    value, gradients = objective(batch)
    return (value + penalty.smooth_value(weight)).sum(), gradients


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
