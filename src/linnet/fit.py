"""Training by Lightning, with what it would say and do differently left out."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from linnet.build import make
from linnet.data import Data
from linnet.errors import InputError
from linnet.models import LinearNetwork
from linnet.tracking import RunLogger


def refuse_missing_gpu(options: Mapping[str, Any]) -> None:
    """Raise InputError if a GPU is asked for and there is none."""
    if options["accelerator"] == "gpu" and not torch.cuda.is_available():
        raise InputError("trainer.accelerator=gpu: torch finds no GPU on this machine, use trainer=default")


def make_trainer(
    options: Mapping[str, Any], logger: RunLogger | Sequence[RunLogger], callbacks: Sequence[pl.Callback], path: Path
) -> pl.Trainer:
    """Lightning's Trainer with linnet's loggers and callbacks."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return make(
        {key: value for key, value in options.items() if key != "overfit_batches"},
        logger=logger, callbacks=list(callbacks), default_root_dir=path, num_sanity_val_steps=0,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip


def fit(trainer: pl.Trainer, model: LinearNetwork, data: Data) -> None:
    """Train the model on the data.

    Raises:
        Interrupted: on a signal; the checkpoint has been written.
        MemoryError: if examples or gradients do not fit onto the GPU.
        KeyboardInterrupt: on one that did not come by a signal. Lightning would turn it into sys.exit(1).
    """
    with model.interrupts.deferred(), warnings.catch_warnings():
        # What Lightning advises does not apply: batches do not come from worker processes.
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        try:
            trainer.fit(model, datamodule=data)
        except SystemExit as error:
            model.interrupts.install()  # Lightning leaves SIGINT ignored
            model.interrupts.raise_if_any()
            raise KeyboardInterrupt from error
        except torch.OutOfMemoryError as error:  # of a GPU
            raise MemoryError(str(error).splitlines()[0]) from error
