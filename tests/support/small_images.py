"""Fashion-MNIST of ten images, as files: whole, zipped or damaged."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from idx_files import idx

from linnet.data import image_classes
from linnet.data.sources import images
from linnet.system.errors import InputError

SIZES = (6, 6, 4, 4)
IMAGES, LABELS = images.FILES[0], images.FILES[1]


def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = [(size, 28, 28) if "images" in file else (size,) for file, size in zip(images.FILES, SIZES, strict=True)]
    return [rng.integers(0, 256 if len(shape) > 1 else 10, shape, np.uint8) for shape in shapes]


CONTENTS = {file: idx(array) for file, array in zip(images.FILES, arrays(), strict=True)}


def write(folder: Path, zipped: bool = False, **changed: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in {**CONTENTS, **changed}.items():
        if zipped:
            (folder / f"{file}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / file).write_bytes(content)


def load(tmp_path: Path, download: bool = False, name: str = "FashionMNIST", dtype: str = "float32"):
    return image_classes(name, str(tmp_path / "root"), download, dtype, seed=0)


def refusal(tmp_path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        load(tmp_path, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message
