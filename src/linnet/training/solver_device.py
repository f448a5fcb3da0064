"""Where the optimum of a run's training problem is looked for."""

from collections.abc import Mapping
from typing import Any

import torch

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.solvers.blockwise.solve import fits_blocks
from linnet.training.device import accelerator


def solver_device(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> torch.device:
    """Return the device that the run is trained on for softmax with l2, a CPU for all else."""
    on_gpu = fits_blocks(model.loss, model.penalty) and accelerator(config["trainer"], model, data) == "gpu"
    return torch.device("cuda" if on_gpu and torch.cuda.is_available() else "cpu")
