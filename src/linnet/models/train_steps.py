"""The inner loop of training: a chunk of minibatches, one update each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vector_norm

from linnet.data import Batch
from linnet.optimizers import Optimizer
from linnet.optimizers.hyperparameter import Hyperparameter
from linnet.penalties import Penalty

Objective = Callable[[Batch], tuple[Tensor, list[Tensor]]]
"""batch -> (mean loss `[K]`, gradients of loss + smooth part of the penalty, one per parameter)."""


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
        interrupted: asked after each minibatch whether to leave out the others.
    """
    losses: list[Tensor] = []
    proximal = penalty.proximal
    norms: dict[int, Tensor] = {}
    for step, batch, factor in zip(steps, batches, factors, strict=True):
        value, grads = objective(batch)
        losses.append(value)
        if step % norm_every == 0:  # before the update, which may use the gradients as scratch memory
            norms[step] = vector_norm(torch.stack([vector_norm(grad.flatten(1), dim=1) for grad in grads]), dim=0)
        if optimizer.needs_evaluate:
            optimizer.minimise(params, partial(_again, objective, penalty, params[0], batch), state, factor)
        else:
            optimizer.update(params, grads, state, factor)
        if proximal:
            penalty.proximal_step(params[0], optimizer.step_size(0, state, factor))
        if interrupted():
            break
    fetched = torch.stack([*losses, *norms.values()]).double().cpu()
    return ChunkResult(fetched[: len(losses)], dict(zip(norms, fetched[len(losses) :], strict=True)))


def _again(objective: Objective, penalty: Penalty, weight: Tensor, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    """Return objective and gradients of all models at the current parameters."""
    value, gradients = objective(batch)
    return (value + penalty.smooth_value(weight)).sum(), gradients
