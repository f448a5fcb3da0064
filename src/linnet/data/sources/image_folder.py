"""Your own images, in folders named after their classes, as in torchvision's ImageFolder.

They are decoded once, to one array of bytes that is kept for later runs.
"""

import hashlib
import logging
import os
import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, DType, Fraction, Input, Seed, Words
from linnet.data.split import hold_out
from linnet.data.storage.examples import Source
from linnet.data.storage.stored_examples import ByteExamples
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.sanitize import is_text


@data_source("classification", validation="given")
def image_folder(
    path: Annotated[Input, Words("a folder with a folder of images for each class: data.path=my/pictures")],
    size: Count,
    color: Literal["grey", "rgb"],
    test_fraction: Fraction,
    dtype: DType,
    seed: Seed,
) -> Source:
    """Return images as levels / 255 `[N, channels · size · size]`; folders name their classes.

    Args:
        path: a folder as torchvision's ImageFolder reads it, `path/cat/1.png`; or of two or three such folders, train
            and val and/or test, which then are the parts.
        size: height and width that images are resized to, whatever their own are.
        color: "grey" or "rgb".
        test_fraction: of each class, in [0, 1), drawn for the test part if there are no folders of parts.
        seed: of that draw.

    Raises:
        InputError: if the folders or files are not as they should be.
    """
    root = Path(path).expanduser()
    parts, classes = find_parts(root)
    pixels, digest = read_pixels(root, [path for part in parts.values() for path in part.paths], size, color)
    labels = np.concatenate([part.labels for part in parts.values()])
    if len(parts) > 1:
        ends = np.cumsum([len(part.paths) for part in parts.values()])
        rows = dict(zip(parts, np.split(np.arange(len(labels)), ends[:-1]), strict=True))
    else:
        train, test = hold_out(np.arange(len(labels)), test_fraction, labels, None, seed, "data/test")
        rows = {"train": train, "test": test}
    levels, y = torch.from_numpy(pixels), torch.from_numpy(labels).to(torch.int64)
    pictures = {
        part: ByteExamples(levels[some], y[some], getattr(torch, dtype)) for part, some in rows.items() if len(some)
    }
    return Source(
        task="classification", train=pictures["train"], val=pictures.get("val"), test=pictures.get("test"),
        class_names=classes, image_shape=(size, size) if color == "grey" else (3, size, size),
        checksum=hashlib.sha256(digest.encode() + labels.tobytes() + repr(classes).encode()).hexdigest(),
        rows=torch.from_numpy(rows["train"]),
    )  # fmt: skip


ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Of the files that are taken for images; others are left alone."""
PARTS = ("train", "val", "test")


class Labelled(NamedTuple):
    """Image files and the index of each one's class, in the order of classes and names."""

    paths: list[Path]
    labels: list[int]


def find_parts(root: Path) -> tuple[dict[str, Labelled], tuple[str, ...]]:
    """(part -> its files, names of the classes) below a folder.

    Args:
        root: holds a folder of images for each class, all of them the part "train"; or train/, and perhaps val/ and
            test/, which do.

    Raises:
        InputError: if there are no such folders, one has no images, or the training part misses a class of another.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "no such directory"
        raise InputError(f"data.path={root}: {what}, expected a folder with a folder of images for each class")
    folders = _folders(root)
    parts = [name for name in PARTS if name in folders and _folders(root / name)]
    if not parts:
        classes = _classes(root)
        return {"train": _labelled(root, classes, classes)}, classes
    if parts[0] != "train":
        raise InputError(f"data.path={root}: {root / parts[0]} has classes in it, but there is no {root / 'train'}")
    if others := sorted(set(folders) - set(parts)):
        raise InputError(f"data.path={root}: beside train only val and test are read, {root / others[0]} is neither")
    classes = _classes(root / "train")
    return {part: _labelled(root / part, _folders(root / part), classes) for part in parts}, classes


def _classes(root: Path) -> tuple[str, ...]:
    classes = _folders(root)
    for name in classes:
        if not is_text(name):
            raise InputError(f"{root / name}: the name of this class is no UTF-8: rename the folder")
    if not classes:
        raise InputError(
            f"data.path={root}: there are no folders in it, expected one of images for each class, or train, val and "
            f"test with these in them"
        )
    if len(classes) == 1:
        raise InputError(f"data.path={root}: there is one class only, {classes[0]}, and nothing to tell it from")
    return classes


def _folders(root: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")))


def _labelled(root: Path, there: tuple[str, ...], classes: tuple[str, ...]) -> Labelled:
    found = Labelled([], [])
    for name in there:
        if name not in classes:
            raise InputError(f"{root / name}: no class of the training part has this name, so it cannot be learned")
        paths = _images(root / name)
        if not paths:
            raise InputError(f"{root / name} holds no images ({', '.join(ENDINGS)}): fill or remove this folder")
        found.paths.extend(paths)
        found.labels.extend([classes.index(name)] * len(paths))
    return found


def _images(folder: Path) -> list[Path]:
    """Also those in folders within."""
    found = [
        Path(where, name)
        for where, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(ENDINGS) and not name.startswith(".")
    ]
    return sorted(found)


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
