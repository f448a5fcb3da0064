"""Checkpoint files: written whole or not at all, and read without running code, whoever wrote them."""

import io
import os
import pickle
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from linnet.errors import InputError
from linnet.files import write_atomic

LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"


class Damaged(Exception):
    """A file that was a checkpoint once, and is not whole any more."""


def snapshot(pl_module: pl.LightningModule, epoch: int) -> dict[str, Any]:
    """A copy of the training state in Lightning's checkpoint format, from plain containers and tensors only.

    Args:
        pl_module: a LinearNetwork.
        epoch: the last one that was begun, counted from 0.
    """
    checkpoint = {
        "epoch": epoch,
        "global_step": pl_module.steps_done,
        "pytorch-lightning_version": version("pytorch-lightning"),
        "state_dict": {name: tensor.detach().clone() for name, tensor in pl_module.state_dict().items()},
        "hparams_name": "kwargs",
        "hyper_parameters": dict(pl_module.hparams),
    }
    pl_module.on_save_checkpoint(checkpoint)
    return checkpoint


def save(path: Path, checkpoint: dict[str, Any]) -> None:
    """Replace a checkpoint; the one that lies there stays until the new one is on the disk."""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    write_atomic(path, buffer.getvalue())


def save_last(folder: Path, checkpoint: dict[str, Any]) -> None:
    """Replace last.ckpt and keep the one before as previous.ckpt. At any moment, one of the two is whole."""
    last = folder / LAST
    if last.exists():
        spare = folder / f".{PREVIOUS}"
        spare.unlink(missing_ok=True)
        os.link(last, spare)
        spare.replace(folder / PREVIOUS)
    save(last, checkpoint)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint. Tensors and plain containers are all that it may hold, so nothing in it is executed.

    Raises:
        Damaged: the file is cut short or altered.
        InputError: it is whole, but holds what no checkpoint of linnet does.
    """
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            broken = archive.testzip()  # torch does not look at the checksums
    except Exception as error:  # whatever a damaged archive makes of the reader
        raise Damaged(f"{path.name} is damaged: {str(error).splitlines()[0]}") from error
    if broken is not None:
        raise Damaged(f"{path.name} is damaged: {broken} is not what was written")
    try:
        checkpoint = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise InputError(f"{path} is refused: it holds more than numbers, and loading it could run code") from error
    if not isinstance(checkpoint, dict) or not {"linnet", "state_dict"} <= checkpoint.keys():
        raise InputError(f"{path} is no checkpoint of linnet")
    return checkpoint
