"""Where the optimum of a run's training problem is looked for."""

from collections.abc import Mapping
from typing import Any

import torch

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.solvers.blockwise.solve import fits_blocks

WORTH_A_GPU = 1_000_000_000
"""Multiplications of one prediction of all examples from which on trainer.accelerator=auto solves on a GPU."""


def solver_device(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> torch.device:
    """Return the run's GPU for softmax with l2, if it pays with trainer.accelerator=auto; a CPU for all else."""
    accelerator, work = config["trainer"]["accelerator"], len(data.train) * model.weight[0].numel()
    on_gpu = accelerator == "gpu" or (accelerator == "auto" and work >= WORTH_A_GPU)
    if on_gpu and torch.cuda.is_available() and fits_blocks(model.loss, model.penalty):
        return torch.device("cuda")
    return torch.device("cpu")
