"""Folders and names that linnet writes into, where part of the place or of the name may come from somebody else."""

import errno
import os
import re
from pathlib import Path
from typing import IO, Any

from linnet.system.errors import InputError

UNSAFE = re.compile(r"[^\w.,=+()\[\] -]")
LONGEST = 200  # bytes; file systems take 255


def own_folder(parent: Path, name: str) -> Path:
    """Return a folder inside a directory that this command owns, made if absent.

    Raises:
        InputError: it is a link, which would lead elsewhere, or no directory.
    """
    path = parent / name
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} is not a folder of linnet's own (a link or a file): remove it")
    path.mkdir(exist_ok=True)
    return path


def open_own(path: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a file to write into, in a directory that this command owns; further arguments as for `open`.

    Raises:
        InputError: it is a link, which would lead elsewhere.
    """
    return open(path, mode, opener=open_descriptor, **options)


def open_descriptor(path: str | Path, flags: int) -> int:
    """Open a file as `os.open` does, to write into it, and return its descriptor. Errors as for `open_own`."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise InputError(f"{path} is a link, and linnet writes into files of its own only: remove it") from error


def safe_name(text: str) -> str:
    """Return text as the name of a file or folder: letters, digits and a few signs, never a path or a hidden name."""
    name = UNSAFE.sub("_", text).lstrip(". ") or "_"
    return name.encode()[:LONGEST].decode(errors="ignore")
