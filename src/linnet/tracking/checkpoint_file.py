"""Checkpoint files: written atomically, and read without running code from them."""

import hashlib
import io
import os
import pickle
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from linnet.models.network import LinearNetwork
from linnet.system.errors import InputError
from linnet.system.files import TEMPORARY, write_atomic
from linnet.system.reading import TENSOR_LIMIT, read_bytes

LIGHTNING = version("pytorch-lightning")
LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"

# torch.save writes a zip archive, and torch.load compares no checksums: of one bit flipped in the list of its parts, it
# makes other numbers without a word. So the archive carries the sha256 of itself where zip has a place for a comment,
# at the very end and after two bytes of its length.
DIGEST = 64
NO_COMMENT, COMMENT = (0).to_bytes(2, "little"), DIGEST.to_bytes(2, "little")


class Damaged(Exception):
    """A damaged checkpoint file."""


def snapshot(model: LinearNetwork, epoch: int, k: int = 0) -> dict[str, Any]:
    """Copy one model's training state in Lightning's checkpoint format, in plain containers and tensors only.

    Args:
        model: of one run or many.
        epoch: the last one that was begun, counted from 0.
        k: which of the runs; the copy has the format of a single run's.
    """
    models = model.models_of(k)
    return {
        "epoch": epoch,
        "global_step": model.steps_done,
        "pytorch-lightning_version": LIGHTNING,
        "state_dict": {name: tensor.detach()[models].clone() for name, tensor in model.state_dict().items()},
        "hparams_name": "kwargs",
        "hyper_parameters": {**model.hparams, "n_models": models.stop - models.start},
        "linnet": model.training_state(k),
    }


def save(path: Path, checkpoint: dict[str, Any]) -> None:
    """Replace a checkpoint; the one that lies there stays until the new one is on the disk."""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    archive = buffer.getvalue()[: -len(NO_COMMENT)]
    write_atomic(path, archive + COMMENT + _digest(archive))


def save_last(folder: Path, checkpoint: dict[str, Any]) -> None:
    """Replace last.ckpt and keep the one before as previous.ckpt. At any moment, one of the two is whole."""
    if (folder / LAST).exists():
        _duplicate(folder / LAST, folder / PREVIOUS)
    save(folder / LAST, checkpoint)


def fall_back(folder: Path) -> None:
    """Replace a damaged last.ckpt by previous.ckpt; `save_last` would do the opposite."""
    _duplicate(folder / PREVIOUS, folder / LAST)


def _duplicate(file: Path, name: Path) -> None:
    """Give a file a second name atomically, replacing any file of that name."""
    spare = name.with_name(f".{name.name}{TEMPORARY}link")
    spare.unlink(missing_ok=True)
    try:
        os.link(file, spare)
    except OSError:  # not every file system has links
        write_atomic(name, read_bytes(file, file.parents[1], TENSOR_LIMIT))
        return
    spare.replace(name)
    spare.unlink(missing_ok=True)  # it stays if both were names of the same file already


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint. Tensors and plain containers are all that it may hold, so nothing in it is executed.

    Raises:
        Damaged: the file is cut short or altered.
        InputError: it is whole, but holds what no checkpoint of linnet does.
    """
    try:
        content = read_bytes(path, path.parents[1], TENSOR_LIMIT, _look_at_end)
    except ValueError as error:
        raise Damaged(f"{path.name} is damaged: {error}") from error
    archive, comment, digest = content[: -DIGEST - 2], content[-DIGEST - 2 : -DIGEST], content[-DIGEST:]
    if comment != COMMENT or digest != _digest(archive):
        raise Damaged(f"{path.name} is damaged: it is not what was written")
    try:
        _check_sizes(content)
        checkpoint = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"{path} is refused: it holds more than numbers, and loading it could run code") from error
    except Exception as error:  # any error that untrusted content may cause
        raise InputError(f"{path} is no checkpoint of linnet") from error
    if not isinstance(checkpoint, dict) or not {"linnet", "state_dict"} <= checkpoint.keys():
        raise InputError(f"{path} is no checkpoint of linnet")
    return checkpoint


def _look_at_end(descriptor: int, size: int) -> None:
    """Raise ValueError unless a file ends as checkpoints do, so that one that was made to grow is not read."""
    if os.pread(descriptor, 2, max(0, size - DIGEST - 2)) != COMMENT:
        raise ValueError("it does not end as one")


def _check_sizes(content: bytes) -> None:
    """Raise ValueError if the parts of an archive unpack to more than it has: torch.save compresses none."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(part.file_size for part in archive.infolist()) > len(content):
            raise ValueError("its parts unpack to more than the file has")


def _digest(archive: bytes) -> bytes:
    return hashlib.sha256(archive).hexdigest().encode()
