"""Processes and those that they started: the latter end when the former do, however that happens."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Collection
from functools import cache
from pathlib import Path

WATCH_SECONDS = 0.5
GRACE_SECONDS = 3.0
"""From being asked to stop until a process is killed."""


@cache
def end_with(process: int) -> None:
    """Start a thread that ends this process once another one of this machine has ended, mostly its parent."""
    threading.Thread(target=_end_with, args=(process,), daemon=True).start()


def _end_with(process: int) -> None:
    is_parent = os.getppid() == process
    while os.getppid() == process if is_parent else _exists(process):
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)  # a run that is in training writes a checkpoint
    time.sleep(GRACE_SECONDS)
    os._exit(128 + signal.SIGTERM)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, PermissionError):  # it has ended, or its number is another user's process by now
        return False
    return True


def end_descendants(before: Collection[int]) -> None:
    """End all processes that this one, and those in their turn, have started since. Without /proc, does nothing.

    before: those that `descendants` found then; in a notebook, there are others than linnet's.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    _signal(descendants() - set(before), signal.SIGTERM)
    while (left := descendants() - set(before)) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(left, signal.SIGKILL)


def _signal(processes: Collection[int], signum: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(process, signum)


def descendants() -> set[int]:
    """Return the process ids of all processes below this one that have not ended."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                children.setdefault(int(parent), []).append(int(path.parent.name))
    found, waiting = [], [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return set(found)
