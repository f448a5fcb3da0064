"""Detect that training diverged, and suggest a learning rate with which it would not.

Gradient descent on a convex function with a stable step never leaves the sublevel set it starts in, and the noise of
minibatches and the overshoot of momentum raise the loss by factors far below `FACTOR`. A final loss beyond that factor
of the loss at the start means that steps are too long, even while all numbers are still finite.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from linnet.data import Data, Examples
from linnet.models import LinearNetwork
from linnet.models.linear import predict
from linnet.models.linear_map import EVALUATION_ROWS
from linnet.optimizers import SGD, Momentum, TorchSGD
from linnet.optimizers.hyperparameter import number_of
from linnet.solvers.convex_losses import convex_loss_of, is_known
from linnet.system.errors import Diverged
from linnet.tracking import Curve

Parameters = Mapping[str, Tensor]

FACTOR = 1e3
SAMPLED_BATCHES = 8
LARGEST_BATCH = 2048
"""Examples of a minibatch whose curvature is computed; the Gram matrix of more would take longer than an epoch."""


def raise_if_diverged(
    model: LinearNetwork, data: Data, curves: Mapping[str, Curve], initial: Callable[[], Parameters]
) -> None:
    """Raise Diverged if the mean loss of the last epoch is `FACTOR` times that of the initial weights, and of zeros.

    A start next to the optimum may well be left by that factor, hence the zeros: predicting nothing is the scale of
    the loss. Looks at the data only if the logged losses have grown that much.

    Args:
        model, data: as training left them.
        curves: metric -> what was logged of it.
        initial: called for the parameters that training began with, by name.
    """
    losses, means = curves.get("train/loss"), curves.get("train/loss_epoch")
    if model.solution is not None or losses is None or means is None or not losses.value or not means.value:
        return
    last = means.value[-1]
    if last <= FACTOR * abs(losses.value[0]):
        return
    start = max(_magnitudes(model, data.train, initial()))
    if last <= FACTOR * start:
        return
    rate = number_of(model.optimizer.lr, 0)
    raise Diverged(model.steps_done, rate, last, start=start, stable=stable_rate(model, data, rate))


def with_stable_rate(error: Diverged, model: LinearNetwork, data: Data) -> Diverged:
    """Return the error with a learning rate to try; arguments as for `stable_rate`, but data on any device."""
    data.move_to(model.weight.device)
    stable = stable_rate(model, data, error.lr)
    return Diverged(error.step, error.lr, error.value, stable=stable, standardized=data.scaling is not None)


def stable_rate(model: LinearNetwork, data: Data, rate: float) -> float:
    """Return a learning rate below `rate` with which training does not diverge, if one can be computed.

    For plain descent it is 1/L, L the largest eigenvalue of the Hessian's bound on any of a few minibatches: steps up
    to 2/L bring no two models apart. Momentum β makes steps 1/(1 − β) times as long in the end, so that its rate is
    (1 − β)/L. For other optimizers and losses without such a bound it is a tenth of the rate.

    Args:
        model: of one model.
        data: on its device.
        rate: that was too high.
    """
    known = is_known(model.loss) and model.penalty.is_elastic_net
    smoothness = convex_loss_of(model.loss).smoothness if known else None
    descends = isinstance(model.optimizer, (SGD, Momentum, TorchSGD))
    if smoothness is None or not descends or data.train.streamed:
        return rate / 10
    size = min(data.batch_size, len(data.train), LARGEST_BATCH)
    rows = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
    rows = rows[: size * SAMPLED_BATCHES].to(model.weight.device)
    largest = 0.0
    for batch in data.train.batches(rows, [len(part) for part in rows.split(size)]):
        x = batch.x.double() * batch.scale
        if x.is_sparse:  # features that are 0 in all of the batch add nothing
            x = x.index_select(1, x.indices()[1].unique()).to_dense()
        gram = x @ x.T + (0.0 if model.bias is None else 1.0)
        if batch.weight is not None:
            root = batch.weight.double().sqrt()
            gram *= root[:, None] * root
        if not bool(gram.isfinite().all()):
            return rate / 10
        largest = max(largest, float(torch.linalg.eigvalsh(gram)[-1]) / len(x))
    curvature = smoothness * largest + number_of(model.penalty.l2, 0)
    shorter = 1 - float(getattr(model.optimizer, "momentum", 0.0))
    return min(shorter / curvature, rate / 10) if curvature > 0 else rate / 10


@torch.no_grad()
def _magnitudes(model: LinearNetwork, train: Examples, initial: Parameters) -> tuple[float, float]:
    """Return the mean magnitude of the training loss at the initial parameters, and at zeros."""
    final = {name: parameter.clone() for name, parameter in model.named_parameters()}
    zeros = {name: torch.zeros_like(parameter) for name, parameter in final.items()}
    try:
        first, second = (_magnitude(model, train) for _ in map(model.load_state_dict, (initial, zeros)))
    finally:
        model.load_state_dict(final)
    return first, second


def _magnitude(model: LinearNetwork, examples: Examples) -> float:
    weight, bias = model.parameters_of(model.final)
    total = torch.zeros((), dtype=torch.float64, device=model.weight.device)
    for batch in examples.chunks(EVALUATION_ROWS):
        values = model.loss.value(predict(batch.x, weight, bias, batch.scale), batch.y).double().abs()
        total += batch.weighed(values).sum()
    return float(total) / examples.total_weight
