"""The run directory: claimed by one run, with a status that is true at any moment."""

import os
import socket
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from linnet.errors import InputError
from linnet.files import read_json, write_json

State = Literal["running", "completed", "failed", "diverged", "interrupted"]


class RunDirectory:
    """A directory that this process owns, and the status.json in it.

    Args:
        path: an existing directory that no run has claimed.

    Raises:
        InputError: if another run owns the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        refuse_claimed(path)
        try:
            # Exclusive creation is the claim: of two processes that come at once, one gets it.
            os.close(os.open(path / "status.json", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError as error:
            raise InputError(_claimed(path)) from error
        self._clock = time.monotonic()
        self._status: dict[str, Any] = {"started": _now(), "host": socket.gethostname(), "pid": os.getpid()}
        self._written = 0.0
        self.set("running")

    def set(self, state: State, **details: Any) -> None:
        """Record the state and whatever else is known: epoch, step, error."""
        self._status.update(state=state, updated=_now(), **details)
        if state != "running":
            self._status.update(ended=self._status["updated"], seconds=round(time.monotonic() - self._clock, 3))
        write_json(self.path / "status.json", self._status, durable=state != "running")
        self._written = time.monotonic()

    def progress(self, epoch: int, step: int) -> None:
        """Record how far training is, at most every 5 seconds: replacing a file may wait for the disk."""
        if time.monotonic() - self._written >= 5:
            self.set("running", epoch=epoch, step=step)
        self._status.update(epoch=epoch, step=step)


def refuse_claimed(path: Path) -> None:
    """Raise InputError if a run owns the directory."""
    if (path / "status.json").exists():
        raise InputError(_claimed(path))


def _claimed(path: Path) -> str:
    try:
        state = read_json(path / "status.json")["state"]
    except (OSError, ValueError, KeyError):
        state = "unknown"
    return f"{path} belongs to another run (state {state}): choose another hydra.run.dir, or remove it"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
