"""The inner loop: a bundle of minibatches, one update each, with nothing between them but arithmetic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from linnet.data import Examples
from linnet.optimizers import Optimizer
from linnet.penalties import Penalty

Objective = Callable[[Tensor, Tensor], tuple[Tensor, list[Tensor]]]
"""(x `[B, D]`, y) -> (mean loss `[K]`, gradients of loss + smooth part of the penalty, one per parameter)."""


@dataclass
class BundleResult:
    """What a bundle leaves: plain numbers, fetched from the device once.

    losses: mean loss of each minibatch before its update, for each model, `[T, K]`; T may be less than was asked for.
    grad_norms: step -> Euclidean norm of all gradients, for the steps that were asked for.
    """

    losses: Tensor
    grad_norms: dict[int, float] = field(default_factory=dict)


@torch.no_grad()
def train_bundle(
    objective: Objective,
    params: Sequence[Tensor],
    optimizer: Optimizer,
    state: dict[str, Any],
    penalty: Penalty,
    examples: Examples,
    minibatches: Sequence[Tensor],
    factors: Sequence[float],
    steps: range,
    norm_every: int,
    interrupted: Callable[[], bool],
) -> BundleResult:
    """Update the parameters in place, once per minibatch.

    Args:
        objective: of a minibatch, at the current parameters.
        params: `[weight [K, C, D], bias [K, C]]`, the second only if there is one.
        optimizer, state: the update rule and what it remembers.
        penalty: its smooth part is in the objective's gradients; its proximal part is applied here.
        examples: what the minibatches point into.
        minibatches: row indices `[B]` of each; none longer than the first.
        factors: the schedule's multiplier of the learning rate for each minibatch.
        steps: the number of each update.
        norm_every: gradient norms are taken at the steps that it divides.
        interrupted: asked after each minibatch whether to leave out the others.
    """
    buffer = examples.x.new_empty(len(minibatches[0]), examples.x.shape[1])
    losses: list[Tensor] = []
    norms: dict[int, Tensor] = {}
    for step, rows, factor in zip(steps, minibatches, factors, strict=True):
        batch = examples.take(rows, out=buffer)
        value, grads = objective(batch.x, batch.y)
        losses.append(value)
        if step % norm_every == 0:  # before the update, which may use the gradients as scratch memory
            norms[step] = torch.stack([grad.square().sum() for grad in grads]).sum().sqrt()

        def evaluate(batch: Examples = batch) -> tuple[Tensor, list[Tensor]]:
            again, gradients = objective(batch.x, batch.y)
            return (again + penalty.smooth_value(params[0])).sum(), gradients

        optimizer.update(params, grads, state, factor, evaluate)
        if penalty.proximal:
            penalty.proximal_step(params[0], optimizer.step_size(0, state, factor))
        if interrupted():
            break
    return BundleResult(torch.stack(losses), {step: norm.item() for step, norm in norms.items()})
