"""The run directory: owned by one process at a time, with a status that is always current."""

import errno
import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from linnet.system.errors import InputError
from linnet.system.files import TEMPORARY, write_atomic, write_json
from linnet.system.reading import read_bytes
from linnet.system.sanitize import shown
from linnet.system.writing import open_own
from linnet.tracking.lock import FILE, Lock, Owned
from linnet.tracking.records import Manifest, State, Status, read_record

FORMAT = 2
"""Of a run directory, in manifest.json. In format 1, which has no key for it, weights of losses of residuals are for
targets that are not centred; for other differences each file has its own version or keys. CONTRIBUTING.md says what
stays readable."""
RESERVE = 16_384
"""Bytes of padding in the lock file: given up on a full disk, so that status.json can still say so."""


class RunDirectory(AbstractContextManager["RunDirectory"]):
    """A directory that this process owns until it closes it or ends, and the status.json in it.

    Args:
        path: an existing directory.
        resumed: take up a run that lies there, instead of beginning one.
        lock: of the directory, if this process holds it already.

    Raises:
        InputError: if another process is at work in it, or a run lies there already and is not resumed.
    """

    def __init__(self, path: Path, *, resumed: bool = False, lock: Lock | None = None) -> None:
        self.path = path
        if not resumed:
            refuse_claimed(path)
        self._held = lock_directory(path) if lock is None else lock
        self._lock = self._held.file
        try:
            if not resumed:
                refuse_claimed(path)  # again, now that no other process can begin
            file = path / "status.json"
            self._found = read_bytes(file) if file.is_file() else b""
            self._status: dict[str, Any] = {"started": _now(), **(read_status(path) if resumed else {})}
            self._clock = time.monotonic() - (self._status.pop("seconds", None) or 0.0)
            before = self._status.get("state")
            self.state_before: State = "interrupted" if before in (None, "running") else before
            for key in ("ended", "error"):
                self._status.pop(key, None)
            self._status.update(host=socket.gethostname(), pid=os.getpid())
            self._written = 0.0
            _remove_temporary(path)
            self.set("running")
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def shown(self) -> Path:
        """Return the path as a person would type it."""
        return shown(self.path)

    def close(self) -> None:
        """Release the directory."""
        self._held.close()

    def set(self, state: State, **details: Any) -> None:
        """Record the state with optional fields: epoch, step, error; no end, if the directory is gone."""
        if state != "running" and not self._held.is_there():
            return
        seconds = round(time.monotonic() - self._clock, 3)
        self._status.update(state=state, updated=_now(), seconds=seconds, **details)
        if state != "running":
            self._status["ended"] = self._status["updated"]
        try:
            self._write(durable=state != "running")
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._lock.truncate(0)
            try:
                self._write(durable=True)
            except OSError:  # there was no room for the reserve when this process began
                self._overwrite()
        if state != "running":
            self._lock.truncate(0)  # the log may need room for the traceback of a run that failed
        self._written = time.monotonic()

    def refuse(self, error: Exception) -> None:
        """Record why a run does not resume: in status.json, unless the run is completed."""
        if self.state_before == "completed":
            write_atomic(self.path / "status.json", self._found)
        else:
            self.set(self.state_before, error=str(error))

    def progress(self, **details: Any) -> None:
        """Record epoch and step, at most every 5 seconds: replacing a file may wait for the disk."""
        self._status.update(details)
        if not self._held.is_there():
            raise FileNotFoundError(errno.ENOENT, "the run directory was removed or replaced meanwhile", str(self.path))
        if time.monotonic() - self._written >= 5:
            self.set("running")

    def _write(self, durable: bool) -> None:
        write_json(self.path / "status.json", self._status, durable=durable)

    def _overwrite(self) -> None:
        """Replace the content and not the file, which takes no room on a full disk."""
        text = json.dumps(self._status, indent=2, ensure_ascii=False) + "\n"
        with open_own(self.path / "status.json", "r+b", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            file.write(text.encode().ljust(size))  # in one call
            os.fsync(file.fileno())


def refuse_claimed(path: Path) -> None:
    """Raise InputError if there is a run in the directory."""
    if (path / "status.json").exists():
        state = read_status(path).get("state", "unknown")
        taken = f"{path} belongs to another run (state {state}): choose another hydra.run.dir"
        if state == "completed":
            raise InputError(
                f"{taken}, or go on with it: `linnet resume {path} trainer.max_epochs=200` for more epochs, or "
                f"`linnet train ... init_from={path}` for a new run from its weights"
            )
        remedy = "remove it" if state == "diverged" else f"go on with it: linnet resume {path}"
        raise InputError(f"{taken}, or {remedy}")


def is_owned(path: Path) -> bool:
    """Return whether a process is at work in the directory."""
    if not (path / FILE).exists():
        return False
    try:
        lock_directory(path).close()
    except InputError:
        return True
    return False


def read_status(path: Path) -> Status:
    """Return the content of status.json; empty if it is missing or damaged."""
    try:
        return read_record(path / "status.json", Status)
    except (OSError, ValueError):
        return {}


def lock_directory(path: Path) -> Lock:
    """Lock a run directory.

    Raises:
        InputError: another process is at work in it.
    """
    try:
        lock = Lock(path, size=RESERVE)
    except Owned as error:
        raise InputError(f"{path}: {error} is at work on this run: wait for it, or stop it first") from None
    if os.fstat(lock.file.fileno()).st_size < RESERVE:  # the disk is full
        logging.raiseExceptions = False  # a log that cannot be written is not worth a traceback of its own
    return lock


def _remove_temporary(path: Path) -> None:
    """Remove temporary files that a killed process left."""
    for folder in (path, path / "checkpoints"):
        for file in folder.glob(f".*{TEMPORARY}*"):
            file.unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def require_run(run: Path) -> None:
    """Raise InputError unless the directory is that of a run."""
    if not (run / "status.json").is_file():
        raise InputError(f"{run} is no run directory: it has no status.json")


def require_completed(run: Path) -> None:
    """Raise InputError unless the directory is that of a completed run."""
    require_run(run)
    state = read_record(run / "status.json", Status).get("state", "unknown")
    if state != "completed":
        remedy = "train with a smaller learning rate" if state == "diverged" else "`linnet resume` goes on with it"
        raise InputError(f"{run} did not complete (it is {state}): {remedy}")


def refuse_newer(run: Path) -> None:
    """Raise InputError if a later version of linnet wrote the run directory in a format that is not known here."""
    manifest = _manifest(run)
    if (written := format_of(manifest)) > FORMAT:
        raise InputError(
            f"{run}: the run directory has format {written}, this version of linnet reads those up to {FORMAT}: use "
            f"the version that wrote it ({manifest.get('linnet')})"
        )


def format_of(manifest: Mapping[str, Any]) -> int:
    """Return the format of the run directory that a manifest belongs to."""
    return int(manifest.get("format", 1))


def _manifest(run: Path) -> Manifest:
    """Return the manifest, empty if none can be read, since a run without one has no format but the first."""
    try:
        return read_record(run / "manifest.json", Manifest)
    except (OSError, ValueError):
        return {}
