"""Which image files there are of which class: folders named after the classes, as in torchvision's ImageFolder."""

import os
from pathlib import Path
from typing import NamedTuple

from linnet.system.errors import InputError

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
