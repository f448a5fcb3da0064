"""Which device a run is trained on."""

from collections.abc import Mapping
from typing import Any

import torch

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.system.errors import InputError

WORTH_A_GPU = 2**32
"""Multiplications of a training, examples · features · outputs · models · epochs, from which on a GPU is taken to be
faster than the processor, its start included: ten epochs of Fashion-MNIST."""


def refuse_missing_gpu(options: Mapping[str, Any]) -> None:
    """Raise InputError if more GPUs are asked for than there are."""
    if options["accelerator"] != "gpu":
        return
    if not torch.cuda.is_available():
        raise InputError("trainer.accelerator=gpu: torch finds no GPU on this machine, use trainer=default")
    devices, found = options["devices"], torch.cuda.device_count()
    if devices > found:
        raise InputError(f"trainer.devices={devices}: torch finds {found} on this machine, use trainer.devices={found}")


def accelerator(options: Mapping[str, Any], model: LinearNetwork, data: Data) -> str:
    """Return "cpu" or "gpu": what the options ask for, or, for "auto", what is faster for a problem of this size.

    Args:
        options: the `trainer` node of the configuration, or accelerator and max_epochs alone.
        model, data: of the run, or of the runs side by side.
    """
    asked = str(options["accelerator"])
    if asked != "auto":
        return asked
    per_epoch = data.chunks.n_visited * model.weight.numel()
    large = per_epoch * data.length(options["max_epochs"]) >= WORTH_A_GPU
    return "gpu" if large and data.train.can_move and torch.cuda.is_available() else "cpu"
