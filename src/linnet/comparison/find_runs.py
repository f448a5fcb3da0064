"""Find run directories below a directory."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from linnet.system.errors import InputError


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
    return sorted(found.values(), key=_natural)


def _runs_below(folder: Path) -> Iterator[Path]:
    for place, subfolders, files in os.walk(folder):
        if "status.json" in files:
            subfolders.clear()
            yield Path(place)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in path.parts]
