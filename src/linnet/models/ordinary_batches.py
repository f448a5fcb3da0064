"""Steps of one model on batches of examples from an ordinary loader, in anybody's Trainer."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from linnet.data import Batch
from linnet.models.evaluation import Evaluation
from linnet.models.linear_map import LinearMap
from linnet.system.errors import InputError

EXPECTED = "expected (x, y), (x, y, weight), or a dict of them"


def training_step(module: LinearMap, given: Any) -> Tensor:
    """Return the objective of a batch, mean loss + smooth part of the penalty, and log the former as `train/loss`.

    With example weights it is the mean of weight times loss over the number of examples, as everywhere in linnet: give
    them a mean of 1.
    """
    batch = as_batch(given, module)
    value = batch.weighed(_loss_values(module, batch)).mean()
    shown, n = value.detach(), len(batch.y)
    module.log("train/loss", shown, batch_size=n, prog_bar=True)
    module.log("train/loss_epoch", shown, batch_size=n, on_step=False, on_epoch=True, sync_dist=_several(module))
    return value + module.penalty.smooth_value(in_full_precision(module.weight)).sum()


def _loss_values(module: LinearMap, batch: Batch) -> Tensor:
    """Return the loss of each example, `[1, B]`: in float32 at least, also where the prediction is in 16 bits."""
    prediction = in_full_precision(module(batch.x))[None]
    with torch.autocast(prediction.device.type, enabled=False):
        return module.loss.value(prediction, batch.y)


@torch.no_grad()
def evaluation_step(module: LinearMap, given: Any, evaluations: dict[int, Evaluation], loader: int) -> None:
    """Add a batch to the evaluation of its loader."""
    batch = as_batch(given, module)
    prediction = in_full_precision(module(batch.x))[None]
    with torch.autocast(prediction.device.type, enabled=False):
        if loader not in evaluations:
            evaluations[loader] = Evaluation(module.loss, module.new_metrics(), module.own_metrics)
        evaluations[loader].update(prediction, batch)


def log_evaluations(module: LinearMap, stage: str, evaluations: dict[int, Evaluation]) -> None:
    """Log loss and metrics of the examples of each loader, as `val/accuracy`, and forget them.

    Those of a second loader are `val/accuracy/dataloader_idx_1`. Of several processes the mean of theirs is logged.
    """
    for loader, evaluation in evaluations.items():
        (metrics,) = evaluation.compute()
        end = f"/dataloader_idx_{loader}" if loader else ""
        named = {f"{stage}/{name}{end}": value for name, value in metrics.items()}
        module.log_dict(named, sync_dist=_several(module))
    evaluations.clear()


def _several(module: LinearMap) -> bool:
    return module.trainer.world_size > 1


def as_batch(given: Any, module: LinearMap) -> Batch:
    """Return a loader's batch as the module takes it.

    Args:
        given: `(x, y)`, `(x, y, weight)` or a dict with these names. y holds numbers `[B, C]`, or `[B]` for one output,
            or class numbers `[B]`; weight `[B]` says how much each example counts.
        module: of one model.

    Raises:
        InputError: it is something else.
    """
    parts = _named(given)
    if not {"x", "y"} <= parts.keys() or not all(isinstance(part, Tensor) for part in parts.values()):
        raise InputError(f"a batch is {_described(given)}: {EXPECTED}")
    dtype, n_outputs = module.weight.dtype, module.weight.shape[1]
    x, y, weight = parts["x"], parts["y"], parts.get("weight")
    if module.loss.task == "regression":
        expected = f"numbers [B, {n_outputs}]" if n_outputs > 1 else "numbers [B] or [B, 1]"
        if y.dim() == 1 and n_outputs == 1:
            y = y[:, None]
        fits = y.shape == (len(x), n_outputs)
        y = y.to(torch.promote_types(dtype, torch.float32))
    else:
        expected = f"class numbers [B] in 0 … {n_outputs - 1}"
        fits = y.shape == (len(x),) and not y.is_floating_point()
        if fits and not y.is_cuda and len(y):  # on a GPU asking would wait for it, and the loss asserts it
            fits = bool(y.amin() >= 0) and bool(y.amax() < n_outputs)
        y = y.long()
    if not fits:
        raise InputError(f"a batch of {len(x)} examples has targets of shape {list(y.shape)}: expected {expected}")
    if weight is not None and weight.shape != (len(x),):
        raise InputError(
            f"a batch of {len(x)} examples has weights of shape {list(weight.shape)}: expected one for each"
        )
    return Batch(x, y, weight=None if weight is None else weight.to(torch.promote_types(dtype, torch.float32)))


def features_of(given: Any) -> Tensor:
    """Return the features of a batch: itself, the first of several tensors, or the x of a dict. Raises InputError."""
    x = given if isinstance(given, Tensor) else _named(given).get("x")
    if not isinstance(x, Tensor):
        raise InputError(f"a batch is {_described(given)}: expected features, or (x, y)")
    return x


def _named(given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return {name: given[name] for name in ("x", "y", "weight") if given.get(name) is not None}
    if isinstance(given, Sequence) and not isinstance(given, str) and len(given) <= 3:
        return dict(zip(("x", "y", "weight"), given, strict=False))
    return {}


def _described(given: Any) -> str:
    kind = type(given).__name__
    if isinstance(given, Mapping):
        return f"a {kind} of {', '.join(map(str, given))}"
    return f"a {kind} of {len(given)}" if isinstance(given, Sequence) and not isinstance(given, str) else f"a {kind}"


def in_full_precision(values: Tensor) -> Tensor:
    """Return float16 and bfloat16 as float32, others as they are."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
