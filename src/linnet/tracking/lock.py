"""One owner per directory: a lock file that names the process that holds it."""

import fcntl
import json
import os
import socket
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from io import FileIO
from pathlib import Path
from typing import Any

from linnet.system.writing import open_descriptor

FILE = ".lock"
ROOM = 1024
"""Bytes of the owner's record, padded with blanks."""


class Owned(Exception):
    """Another process holds the lock.

    Args:
        owner: what the lock file says of it: "pid", "host" and "since"; empty if that cannot be read.
    """

    def __init__(self, owner: dict[str, Any]) -> None:
        self.owner = owner
        super().__init__(str(self))

    def __str__(self) -> str:
        if not self.owner:
            return "another process"
        return f"process {self.owner['pid']} on {self.owner['host']}, since {self.owner['since']}"


class Lock(AbstractContextManager["Lock"]):
    """The exclusive lock of a directory, held until `close` or the end of the process; its file stays behind.

    The system releases it however the process ends, so none is ever stale. On a file system without locks two owners
    are not noticed.

    Args:
        folder: an existing directory.
        size: bytes that the file shall have, at least `ROOM`.

    Raises:
        Owned: another process holds it.
        OSError: the file cannot be made.
        InputError: it is a link.
    """

    def __init__(self, folder: Path, size: int = ROOM) -> None:
        self.path = folder / FILE
        self.is_new = not self.path.exists()
        while True:
            self.file = FileIO(open_descriptor(self.path, os.O_RDWR | os.O_CREAT), "r+")
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = self._owner()
                self.file.close()
                raise Owned(owner) from None
            except OSError:  # a file system that has no locks
                break
            if self.is_there():
                break
            self.file.close()  # its last owner removed it between our opening and our locking it
        self._write(size)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the lock."""
        self.file.close()

    def remove(self) -> None:
        """Release the lock and remove its file."""
        self.path.unlink(missing_ok=True)  # while it is held: a process that opened it notices, see above
        self.close()

    def is_there(self) -> bool:
        """Return whether the file that is locked still has its name: it, or its directory, may have been removed."""
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _owner(self) -> dict[str, Any]:
        try:
            owner = json.loads(os.pread(self.file.fileno(), ROOM, 0))
        except (OSError, ValueError):
            return {}
        return owner if isinstance(owner, dict) and {"pid", "host", "since"} <= owner.keys() else {}

    def _write(self, size: int) -> None:
        """Write this process into the file; on a full disk the file stays empty."""
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        try:
            os.pwrite(self.file.fileno(), text.encode().ljust(size), 0)
        except OSError:
            return
