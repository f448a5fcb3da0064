"""Folders of images for tests."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("bird", "cat", "dog")


def write_pictures(folder: Path, classes: tuple[str, ...] = CLASSES, n: int = 20, seed: int = 0) -> Path:
    """Images of 8×8 pixels in a folder for each class; that of class k is bright in colour channel k."""
    rng = np.random.default_rng(seed)
    for k, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            levels = rng.integers(0, 100, (8, 8, 3), np.uint8)
            levels[..., k] += 120
            Image.fromarray(levels).save(folder / name / f"{i:02}.png")
    return folder
