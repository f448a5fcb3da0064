"""All loggers of a run besides TensorBoard, as one."""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import TracebackType

import pytorch_lightning as pl

from linnet.system.errors import Interrupted
from linnet.system.interrupts import Interrupts
from linnet.system.parent import descendants, end_descendants
from linnet.system.sanitize import plain
from linnet.tracking.history import History
from linnet.tracking.loggers.further_logger import Epoch, FurtherLogger, LoggedRun, State

log = logging.getLogger(__name__)

SECONDS = 5.0
"""Between two times that epochs are handed on, at least."""
SHARE = 0.02
"""Of the time of training, at most this is spent on handing them on."""
SECONDS_TO_ANSWER = {"open": 60.0, "log_epochs": 60.0, "log_result": 600.0, "close": 60.0}
"""A logger that takes longer is left out; files may be large."""
SECONDS_TO_STOP = 3.0
"""As long as after a signal, however, since the process has to end."""
PASSWORD = re.compile(r"//[^/@\s]*@")
LONGEST = 200


class FurtherLoggers(AbstractContextManager["FurtherLoggers"]):
    """Hands on the last point of every curve in every epoch, some seconds of training at once.

    A logger that fails is left out from then on, with one warning; the run goes on.

    Args:
        loggers: name -> logger.
        history: every point of the run.
        steps_per_epoch: minibatches.
        interrupts: the signals of this process.
    """

    def __init__(
        self, loggers: Mapping[str, FurtherLogger], history: History, steps_per_epoch: int, interrupts: Interrupts
    ) -> None:
        self._loggers, self._history, self._steps_per_epoch = dict(loggers), history, steps_per_epoch
        self._interrupts = interrupts
        self._epochs: list[Epoch] = []
        self._logged: dict[str, int] = {}
        self._handed_on, self._cost = time.monotonic(), 0.0
        self._stop_by: float | None = None
        self._before = descendants() if loggers else set()

    def __bool__(self) -> bool:
        return bool(self._loggers)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        state: State = "completed" if kind is None else "failed" if issubclass(kind, Exception) else "interrupted"
        self._hand_on()
        self._each("close", lambda name, logger: logger.close(state))

    def open(self, run: LoggedRun) -> None:
        """Begin; of a run that is resumed, go on with the epochs that its history has already."""

        def begin(name: str, logger: FurtherLogger) -> None:
            self._logged[name] = logger.open(run)

        self._each("open", begin)
        past: dict[int, dict[str, float]] = {}
        for metric, curve in self._history.curves.items():
            for step, value in zip(*curve, strict=True):
                if step % self._steps_per_epoch == 0:
                    past.setdefault(step, {})[metric] = value
        now = _milliseconds()
        self._epochs = [Epoch(step, past[step], now) for step in sorted(past)]
        self._handed_on = time.monotonic()

    def log_epoch(self, step: int) -> None:
        """Take up the points of all curves at this step, the last one of an epoch."""
        curves = self._history.curves.items()
        metrics = {name: curve.value[-1] for name, curve in curves if curve.step and curve.step[-1] == step}
        self._epochs.append(Epoch(step, metrics, _milliseconds()))
        if time.monotonic() - self._handed_on >= max(SECONDS, self._cost / SHARE):
            self._hand_on()

    def log_result(self, metrics: Mapping[str, float], step: int, files: list[Path]) -> None:
        """Log the final metrics and files of the run directory."""
        self._hand_on()
        self._each("log_result", lambda name, logger: logger.log_result(metrics, step, files))

    def _hand_on(self) -> None:
        started = time.monotonic()

        def give(name: str, logger: FurtherLogger) -> None:
            new = [epoch for epoch in self._epochs if epoch.step > self._logged[name]]
            if new:
                logger.log_epochs(new)
                self._logged[name] = new[-1].step

        self._each("log_epochs", give)
        self._epochs.clear()
        self._handed_on = time.monotonic()
        self._cost = self._handed_on - started

    def _each(self, method: str, call: Callable[[str, FurtherLogger], None]) -> None:
        """Call something with each logger; one that fails, or does not answer, is left out from then on."""
        for name, logger in list(self._loggers.items()):
            try:
                self._wait(SECONDS_TO_ANSWER[method], partial(call, name, logger))
            except Exception as error:
                del self._loggers[name]
                reason = plain(PASSWORD.sub("//", " ".join(str(error).split())), LONGEST)
                log.warning(f"logger={name} failed, and is left out from here on: {type(error).__name__}: {reason}")

    def _wait(self, seconds: float, call: Callable[[], None]) -> None:
        """Call something that may have to wait for a server.

        Raises:
            TimeoutError: it takes longer, or too long after a signal. Its thread is left to itself.
            Interrupted: by a signal that was not deferred, once the call has ended.
        """
        raised: list[BaseException] = []

        def work() -> None:
            try:
                call()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        deadline = time.monotonic() + seconds
        while thread.is_alive() and time.monotonic() < deadline:
            try:
                thread.join(0.1)
            except Interrupted as error:
                raised.append(error)
            if self._interrupts.any():
                self._stop_by = self._stop_by or time.monotonic() + SECONDS_TO_STOP
                deadline = min(deadline, self._stop_by)
        if thread.is_alive():
            if self._stop_by is not None:
                end_descendants(self._before)  # a logger's own process would let this one wait
            raised.append(TimeoutError("no answer in time"))
        if raised:
            raise raised[0]


class LogEpochs(pl.Callback):
    """Hands the points of each epoch to further loggers; after all callbacks that log."""

    def __init__(self, loggers: FurtherLoggers) -> None:
        self.loggers = loggers

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.loggers.log_epoch(pl_module.steps_done)  # type: ignore[arg-type]


def _milliseconds() -> int:
    return int(time.time() * 1000)
