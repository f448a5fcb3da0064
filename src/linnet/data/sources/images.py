"""Fashion-MNIST, MNIST and KMNIST, read from idx files on this machine.

The format (LeCun, Cortes, Burges, The MNIST database): a four-byte magic number whose last byte is the number of
dimensions, the dimensions as big-endian 32-bit integers, then unsigned bytes.
"""

import hashlib
import logging
import os
import socket
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from linnet.config.data_source import data_source
from linnet.config.option_types import DType, Input, Seed
from linnet.data.storage.examples import Examples, Source
from linnet.data.storage.stored_examples import ByteExamples
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.limits import gunzip

log = logging.getLogger(__name__)

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
SIZES = (60_000, 60_000, 10_000, 10_000)
DIGITS = tuple("0123456789")
CLASS_NAMES = {
    "FashionMNIST": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    "MNIST": DIGITS,
    "KMNIST": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
}  # fmt: skip

# Of the uncompressed content: mirrors and distributions compress the same bytes differently.
SHA256 = {
    "FashionMNIST": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}
DISTRIBUTED = {"FashionMNIST": Path("/usr/share/datasets/fashion-mnist")}
"""Where Debian's packages put them, gzipped."""
LARGEST = 2**26
"""Bytes of the largest of the files, unpacked, and more."""


@data_source("classification")
def image_classes(
    name: Literal["FashionMNIST", "MNIST", "KMNIST"], root: Input | None, download: bool, dtype: DType, seed: Seed
) -> Source:
    """Return 60000 + 10000 grey images of 28×28 pixels in [0, 1], 10 classes.

    Args:
        name: "FashionMNIST" (Xiao, Rasul, Vollgraf, 2017), "MNIST" or "KMNIST" (Clanuwat et al., 2018).
        root: directory that holds, or will hold, `<name>/raw/`; None: $LINNET_DATA, else ~/.cache/linnet, which also
            keep what is unpacked.
        download: fetch the files by torchvision where they are found nowhere.

    Raises:
        InputError: if the files are not there and cannot be had, or are truncated or altered.
    """
    folder = Path(root or os.environ.get("LINNET_DATA") or "~/.cache/linnet").expanduser() / name / "raw"
    paths = _paths(name, folder)
    if paths is None and download:
        _download(name, folder)
        paths = _paths(name, folder)
    if paths is None:
        raise InputError(_not_found(name, folder, "data.download=false forbids to fetch it"))
    files = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    return _read(name, None if root else folder, dtype, files)


@lru_cache(maxsize=1)
def _read(name: str, cache: Path | None, dtype: str, files: tuple[tuple[Path, int, int], ...]) -> Source:
    """Return the examples in these files (path, mtime, size), the same object for all jobs of a sweep.

    cache: where unpacked files are kept; None: nowhere, since a directory that the user names is only read.
    """
    contents = {path: _content(path) for path, _, _ in files}
    digests = [hashlib.sha256(content).hexdigest() for content in contents.values()]
    tensors = []
    for (path, content), file, size, digest in zip(contents.items(), FILES, SIZES, digests, strict=True):
        if digest != SHA256.get(name, {}).get(file, digest):
            raise InputError(
                f"{path} is truncated or altered (its sha256 is not that of {name}): delete it and run again"
            )
        tensors.append(_parse_idx(path, content, size))
        if path.suffix == ".gz" and cache is not None:
            _keep_unpacked(content, cache / file)
    x_train, y_train, x_test, y_test = tensors
    return Source(
        task="classification", train=_examples(x_train, y_train, dtype), test=_examples(x_test, y_test, dtype),
        class_names=CLASS_NAMES[name], image_shape=(28, 28),
        checksum=hashlib.sha256("".join(digests).encode()).hexdigest(),
    )  # fmt: skip


def _examples(images: Tensor, labels: Tensor, dtype: str) -> Examples:
    return ByteExamples(images.flatten(1), labels.to(torch.int64), getattr(torch, dtype))


def _paths(name: str, folder: Path) -> list[Path] | None:
    """Return the paths of the four files, or None if one is not on this machine."""
    found = []
    for file in FILES:
        zipped = [place / f"{file}.gz" for place in (folder, DISTRIBUTED.get(name, folder))]
        path = next((path for path in (folder / file, *zipped) if path.is_file()), None)
        if path is None:
            return None
        found.append(path)
    return found


def _content(path: Path) -> bytes:
    """Return the uncompressed content of a file."""
    try:
        return path.read_bytes() if path.suffix != ".gz" else gunzip(path.read_bytes(), LARGEST)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}): get it again, or delete it and run once more") from error


def _keep_unpacked(content: bytes, destination: Path) -> None:
    """Save unpacked and checked content for the next run."""
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(destination, content)
    except OSError as error:  # unpacking again costs each run 0.4 s, and nothing else
        log.debug("not kept unpacked: %s", error)


def _parse_idx(path: Path, content: bytes, size: int) -> Tensor:
    """Return the array of an idx file as uint8; magic number, dimensions and length must agree."""
    n_dimensions = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = struct.unpack(f">{n_dimensions}I", content[4 : 4 + 4 * n_dimensions].ljust(4 * n_dimensions, b"\0"))
    expected = (size,) if "labels" in path.name else (size, 28, 28)
    if shape != expected or len(content) != 4 + 4 * n_dimensions + int(np.prod(shape)):
        raise InputError(f"{path} is truncated or not an idx file of shape {list(expected)}: delete it and run again")
    if "labels" in path.name and max(content[4 + 4 * n_dimensions :]) > 9:
        raise InputError(f"{path} is altered, it has labels above 9: delete it and run again")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=4 + 4 * n_dimensions).reshape(shape).copy())


def _download(name: str, folder: Path) -> None:
    from torchvision import datasets

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)  # torchvision sets none, and a silent network would hold the run for ever
    try:
        getattr(datasets, name)(str(folder.parent.parent), download=True)
    except (OSError, RuntimeError) as error:
        raise InputError(_not_found(name, folder, "and it could not be downloaded")) from error
    finally:
        socket.setdefaulttimeout(before)


def _not_found(name: str, folder: Path, why: str) -> str:
    package = " (1) apt-get install dataset-fashion-mnist;" if name == "FashionMNIST" else ""
    n = 2 if package else 1
    return (
        f"{name} is not on this machine, {why}. Ways to get it:{package} ({n}) put its four idx files into {folder};"
        f" ({n + 1}) run once with network access and data.download=true"
    )
