"""Exclusive ownership of a directory by one process, on any file system that has `flock`."""

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from datetime import datetime, timezone
from io import FileIO
from pathlib import Path

from linnet.errors import InputError

NAME = ".lock"
PATIENCE = 0.5
"""Seconds to wait for the owner's name: it is written just after the lock is taken."""


def lock(path: Path) -> FileIO:
    """Take a directory for this process, and return the open lock file, whose first line names the owner.

    The system releases the lock however the process ends. Close the file to release it earlier.

    Args:
        path: an existing directory.

    Raises:
        InputError: another process owns it; the line says which one, and since when.
        FileNotFoundError: there is no such directory (any more).
    """
    while True:
        file = FileIO(path / NAME, "a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise InputError(
                f"{path}: another process is at work here ({_owner(path)}): wait for it, or stop it first"
            ) from None
        except OSError:  # a file system without locks: nothing can be known
            return file
        if _is_there(path, file):
            break
        file.close()  # its owner has removed it between the two calls
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
    with suppress(OSError):  # the disk is full: the directory is owned all the same
        file.truncate(0)
        file.write(json.dumps(owner).encode() + b"\n")
    return file


def _is_there(path: Path, file: FileIO) -> bool:
    """Whether the directory's lock file is still the open one."""
    try:
        return os.path.samestat((path / NAME).stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _owner(path: Path) -> str:
    """Return "pid 1 on host since 2026-01-31T12:00:00+00:00" of the process that owns a directory."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(OSError, ValueError, KeyError, TypeError):
            owner = json.loads((path / NAME).read_bytes().partition(b"\n")[0])
            if owner["host"] != socket.gethostname() or _is_alive(int(owner["pid"])):  # else of an earlier owner
                return f"pid {int(owner['pid'])} on {owner['host']} since {owner['since']}"
        time.sleep(0.01)
    return "its lock file does not name it"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
