"""Claim a directory for a run before anything is written there; leave it unchanged if the run is refused."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from linnet.system.errors import InputError
from linnet.tracking.directory import lock_directory, refuse_claimed
from linnet.tracking.lock import Lock

MADE = (
    ".hydra", "train.log", "status.json", "manifest.json", "preprocessing.json", "optimum.safetensors",
    "uncommitted.diff", "history.csv", "checkpoints", "events.out.tfevents.*", "initial_weights.safetensors",
    "data",
)  # fmt: skip
"""Names of what a run makes before its training begins."""


@contextmanager
def claimed(directory: Path) -> Iterator[Lock]:
    """Own a directory for the block, from before Hydra writes there.

    If the block raises an InputError before anything was trained, what this process made is removed: entries with the
    names of a run's files that were not there before, the lock file, and the directories. What others have put there
    meanwhile stays.

    Raises:
        InputError: another process owns the directory, or it holds another run or the configuration of another program.
    """
    made, lock = _make_and_lock(directory)
    try:
        refuse_claimed(directory)
        if lock.is_new and (directory / ".hydra").exists():
            raise InputError(f"{directory} holds the .hydra/ of another program: choose another hydra.run.dir")
        present = set(directory.iterdir())
        try:
            yield lock
        except InputError:
            if not (directory / "checkpoints" / "last.ckpt").exists():  # else it has trained, and keeps what it has
                _remove_made(directory, present)
            raise
    except InputError:
        if lock.is_new:
            lock.remove()
        _remove_empty(made)
        raise
    finally:
        lock.close()


def _make_and_lock(directory: Path) -> tuple[list[Path], Lock]:
    """Make a directory and lock it; return the directories that this process made, and the lock."""
    while True:
        made = _make(directory)
        try:
            return made, lock_directory(directory)
        except FileNotFoundError:  # another process, which was refused, has just removed the directory that it made
            continue
        except BaseException:
            _remove_empty(made)
            raise


def _make(directory: Path) -> list[Path]:
    """Make a directory with its parents; return those that this process made, innermost first."""
    made: list[Path] = []
    for folder in [*reversed(directory.parents), directory]:
        if folder.is_dir():
            continue
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        made.insert(0, folder)
    return made


def _remove_made(directory: Path, present: set[Path]) -> None:
    for path in {path for name in MADE for path in directory.glob(name)} - present:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _remove_empty(folders: list[Path]) -> None:
    """Remove directories from the innermost outwards, up to the first that is not empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
