"""End this process once the process that it works for has ended, however that happened."""

import os
import signal
import threading
import time
from functools import cache

WATCH_SECONDS = 0.5
GRACE_SECONDS = 3.0
"""From being asked to stop until this process is ended."""


@cache
def watch_parent(parent: int) -> None:
    """Start a thread that ends this process once its parent is another than `parent`, a process id."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)  # a run that is in training writes a checkpoint
    time.sleep(GRACE_SECONDS)
    os._exit(128 + signal.SIGTERM)
