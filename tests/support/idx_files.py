"""Image sets of noise, in the format of MNIST."""

import struct
from pathlib import Path

import numpy as np

from linnet.data.sources.images import FILES, SIZES


def idx(array: np.ndarray) -> bytes:
    """The array of bytes as an idx file."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_random_images(folder: Path) -> None:
    """The four idx files of an MNIST sibling, with noise for images."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in zip(FILES, SIZES, strict=True):
        shape = (size,) if "labels" in name else (size, 28, 28)
        highest = 10 if "labels" in name else 256
        (folder / name).write_bytes(idx(rng.integers(highest, size=shape, dtype=np.uint8)))
