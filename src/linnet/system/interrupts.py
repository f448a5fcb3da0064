"""Handle SIGINT, SIGTERM and SIGHUP: between two steps of training, and immediately everywhere else."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from linnet.system.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """A context manager in which these signals raise `Interrupted`, or are only recorded while `deferred`.

    Signals reach the main thread only; in any other, this changes nothing. A SIGHUP that is ignored, as under `nohup`,
    stays ignored. One within another knows the signal that the other has received: a library that was interrupted may
    have swallowed the exception.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._deferred = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            self._before = {signum: signal.getsignal(signum) for signum in SIGNALS}
            if self._before[signal.SIGHUP] == signal.SIG_IGN:  # under nohup
                del self._before[signal.SIGHUP]
            outer = getattr(self._before[signal.SIGTERM], "__self__", None)
            if isinstance(outer, Interrupts):
                self.signum = outer.signum
        self.install()
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def install(self) -> None:
        """Reinstall the handlers after a library has replaced them."""
        for signum in self._before:
            signal.signal(signum, self._receive)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Record the first signal in `signum` only; raise at the second."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        self.raise_if_any()

    def any(self) -> bool:
        """Return whether a deferred signal has arrived."""
        return self.signum is not None

    def raise_if_any(self) -> None:
        if self.signum is not None:
            raise Interrupted(self.signum)

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        again, self.signum = self.signum is not None, signum
        if again or not self._deferred:
            raise Interrupted(signum)
