"""Your own images, in a folder for each class."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, DType, Fraction, Input, Seed, Words
from linnet.data.sources.class_folders import find_parts
from linnet.data.split import hold_out
from linnet.data.storage.byte_examples import read_pixels
from linnet.data.storage.examples import ByteExamples, Source


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
    )  # fmt: skip
