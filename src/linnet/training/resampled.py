"""A run with resamples: their models beside the run's own, and what they leave behind."""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from linnet.data import Data
from linnet.data.own_features import own_features
from linnet.models import LinearNetwork
from linnet.models.model_resamples import ModelResamples
from linnet.system.errors import Diverged
from linnet.tracking.weights import RESAMPLES
from linnet.training.stacking import stack

log = logging.getLogger(__name__)

WEIGHTS = RESAMPLES
"""In the run directory: `weight [F, C, D]` and `bias [F, C]` for the features as the run's model is fed them; what
intervals need beside them, see `linnet.training.resample_statistics`."""


def with_resamples(model: LinearNetwork, data: Data, like: LinearNetwork | None = None) -> LinearNetwork | None:
    """Return a module of F + 1 copies of the run's model, the last of which is trained on everything.

    Args:
        model, data: of the run.
        like: such a module of a run with equal data.

    Returns:
        None where the data has no resamples.

    Raises:
        InputError: a resample's own features cannot be had from the shared columns.
    """
    resamples = data.resamples
    if resamples is None:
        return None
    batched = stack([model] * (len(resamples) + 1))
    if like is not None and like.resamples is not None:
        batched.resample(like.resamples, like.maps)
    else:
        maps = own_features(data, resamples.train, bias=model.bias is not None)
        batched.resample(ModelResamples(resamples.train, resamples.held_out, data.train.weight), maps)
    batched.interrupts, batched.clip, batched.monitor = model.interrupts, model.clip, model.monitor
    return batched


@torch.no_grad()
def take_final(model: LinearNetwork, batched: LinearNetwork, run: int = 0) -> None:
    """Give the model of a run the weights that it has among the models of its resamples."""
    k = batched.final_of(run)
    model.steps_done = batched.steps_done
    for name, parameter in model.named_parameters():
        parameter.copy_(batched.get_parameter(name)[k : k + 1])


def cross_validation(batched: LinearNetwork, data: Data) -> tuple[list[dict[str, float]], list[list[Tensor]]]:
    """Return metrics of each resample of a run, and its predictions `[1, B, C]` of what it leaves out, by chunks."""
    batched.data = data
    batched.move_resamples()
    kept: list[list[Tensor]] = []
    (metrics,) = batched.cross_validate(kept)
    return metrics, kept


def report_diverged(diverged: Mapping[int, Diverged], n_resamples: int) -> str | None:
    """Return one line on resamples that diverged; None if there are none."""
    if not diverged:
        return None
    first, error = next(iter(diverged.items()))
    rest = n_resamples - len(diverged)
    return f"{_numbers(list(diverged))} diverged: cv metrics are those of the other {rest}; resample {first}: {error}"


def _numbers(resamples: list[int]) -> str:
    names = ", ".join(map(str, resamples[:10])) + (", …" if len(resamples) > 10 else "")
    return f"resample {names}" if len(resamples) == 1 else f"resamples {names}"


def resample_weights(batched: LinearNetwork, run: int = 0, more: Mapping[str, Tensor | None] | None = None) -> bytes:
    """Return the content of `WEIGHTS`; a resample that diverged has what it had come to.

    Args:
        batched: the models of all resamples, of one or several runs.
        run: which of these.
        more: name -> further tensors; None: there is none of that name.
    """
    with torch.no_grad():
        weight, bias = batched.shared_parameters()
    models = slice(batched.models_of(run).start, batched.final_of(run))
    found: dict[str, Any] = {"weight": weight[models].cpu().contiguous()}
    if bias is not None:
        found["bias"] = bias[models].cpu().contiguous()
    return save(found | {name: tensor.contiguous() for name, tensor in (more or {}).items() if tensor is not None})
