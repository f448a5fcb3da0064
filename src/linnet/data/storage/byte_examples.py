"""Image files as one array of bytes, decoded once and kept for later runs."""

import hashlib
import logging
import os
import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linnet.system.errors import InputError
from linnet.system.files import write_atomic

log = logging.getLogger(__name__)

MODES = {"grey": "L", "rgb": "RGB"}
"""Of Pillow."""
DIGEST = 32
"""Bytes of a sha256."""
Pixels = NDArray[np.uint8]


def read_pixels(root: Path, paths: Sequence[Path], size: int, color: str) -> tuple[Pixels, str]:
    """Read images as (levels 0 … 255 `[N, channels · size · size]`, their sha256), channels first.

    They are kept in $LINNET_DATA, else in ~/.cache/linnet: the sha256 of what they were made of, that of the levels,
    the levels. A file that is damaged, or was made of other images, is replaced.

    Args:
        root: the folder that all the images are in.
        paths: of the images.
        size: height and width that each is resized to, whatever its own are.
        color: "grey" or "rgb".

    Raises:
        InputError: if one is not an image.
    """
    known = [(str(path.relative_to(root)), (about := path.stat()).st_size, about.st_mtime_ns) for path in paths]
    made_of = hashlib.sha256(repr((size, color, known)).encode()).digest()
    place = hashlib.sha256(repr((str(root.resolve()), size, color)).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("LINNET_DATA") or "~/.cache/linnet").expanduser() / "image_folder" / f"{place}.pixels"
    shape = (len(paths), size * size * len(MODES[color]))
    pixels = _kept(cache, made_of, shape)
    if pixels is None:
        log.info(f"reading {len(paths)} images in {root}; later runs read {cache}")
        pixels = np.empty(shape, np.uint8)
        _decode_all(paths, size, color, pixels)
        _keep(cache, made_of, pixels)
    return pixels, hashlib.sha256(pixels.data).hexdigest()


def _kept(cache: Path, made_of: bytes, shape: tuple[int, int]) -> Pixels | None:
    try:
        content = np.fromfile(cache, np.uint8)
    except OSError:  # there is none; if it cannot be replaced either, `_keep` says why
        return None
    pixels = content[2 * DIGEST :]
    whole = content[: 2 * DIGEST].tobytes() == made_of + hashlib.sha256(pixels.data).digest()
    return pixels.reshape(shape) if whole else None


def _keep(cache: Path, made_of: bytes, pixels: Pixels) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(cache, made_of + hashlib.sha256(pixels.data).digest() + pixels.tobytes())
    except OSError as error:  # the next run decodes again
        log.info(f"not kept for later runs: {error}")


def _decode_all(paths: Sequence[Path], size: int, color: str, out: Pixels) -> None:
    def decode(number: int) -> None:
        out[number] = decoded(paths[number], size, color)

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # Pillow lets others work while it decodes
        for _ in threads.map(decode, range(len(paths))):
            pass


FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
"""Pillow's names of the formats that are read, whatever a file is called; for others it would start programs."""


def decoded(path: Path, size: int, color: str) -> Pixels:
    """Decode one image to levels `[channels · size · size]`, rotated by its EXIF orientation. Raises InputError."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=FORMATS) as file:
            image: Image.Image = ImageOps.exif_transpose(file)
            image.load()
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error) as error:
        raise InputError(
            f"{path} is not an image, or is damaged ({' '.join(str(error).split())}): remove it"
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is too large for an image ({error}): remove it") from error
    if image.mode.startswith("I;16"):  # Pillow would cut off all above 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise InputError(f"{path} has pixels of 32 bits, whose range is not known: save it with 8 or 16")
    image = image.convert(MODES[color]).resize((size, size), Image.Resampling.BILINEAR)
    levels = np.asarray(image)
    return (levels if levels.ndim == 2 else levels.transpose(2, 0, 1)).reshape(-1)
