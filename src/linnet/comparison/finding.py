"""Find run directories below folders, and by a pattern."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from linnet.system.errors import InputError
from linnet.tracking.manifest_file import MANIFEST

COMPARISON = "comparison"
"""Folder that `linnet compare` writes beside the runs that it compares."""


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """Return the run directories at any depth below the folders, each once, in natural order (2 before 10).

    Raises:
        InputError: if a folder does not exist, or there is no run below any of them.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"compare: {folder} is no directory")
        for path in _runs_below(folder):
            found.setdefault(path.resolve(), path)
    if not found:
        raise InputError(f"compare: no run below {', '.join(map(str, folders))}; `linnet train` makes one below runs")
    return sorted(found.values(), key=natural)


def _runs_below(folder: Path) -> Iterator[Path]:
    for place, subfolders, files in os.walk(folder):
        if "status.json" in files:
            subfolders.clear()
            yield Path(place)


def natural(path: Path) -> list[tuple[int, str]]:
    """Return what sorts paths in natural order."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in path.parts]


def is_run(folder: Path) -> bool:
    """Return whether a folder is a run and no sweep, also where its status.json is damaged or gone."""
    return any((folder / name).is_file() or (folder / name).is_symlink() for name in ("status.json", MANIFEST))


def match_runs(pattern: str) -> tuple[list[Path], list[Path]]:
    """Return the run directories that a pattern such as `runs/**` matches, or that lie below what it matches.

    Args:
        pattern: of `glob`, where `**` is any number of folders.

    Returns:
        Runs, and folders in which there is none; both in natural order. What belongs to a run or to a comparison is
        neither.

    Raises:
        InputError: nothing matches, or there is no run.
    """
    names = glob.glob(str(Path(pattern).expanduser()), recursive=True)  # noqa: PTH207  # of Path: below a folder only
    found = list(map(Path, names))
    matched = {path.resolve(): path for path in found if path.is_dir()}
    if not matched:
        raise InputError(f"{pattern}: no folder matches; `linnet train` makes runs below runs")
    runs: dict[Path, Path] = {}
    for path in sorted(matched.values(), key=natural):
        for run in _saved_below(path):
            runs.setdefault(run.resolve(), run)
    if not runs:
        raise InputError(f"{pattern}: no run below what matches; `linnet train` makes runs below runs")
    above = {parent for run in runs for parent in run.parents}
    others = [path for real, path in matched.items() if real not in above and not _belongs(real, runs)]
    return sorted(runs.values(), key=natural), sorted(others, key=natural)


def _saved_below(folder: Path) -> Iterator[Path]:
    """Yield the runs at any depth below a folder, also those that have lost their status.json."""
    for place, subfolders, _ in os.walk(folder):
        if is_run(Path(place)):
            subfolders.clear()
            yield Path(place)


def _belongs(folder: Path, runs: dict[Path, Path]) -> bool:
    """Return whether a folder is a run, in one, or of a comparison."""
    places = (folder, *folder.parents)
    return any(place in runs or ((place / "figures.json").is_file() and place.name == COMPARISON) for place in places)
