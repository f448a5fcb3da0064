"""TensorBoard's event file, written in the thread that logs.

torch's SummaryWriter hands its records to a thread. An error there, such as a full disk, shows up late and as a
traceback of that thread; and how much of the file is written is nowhere to be had, which a checkpoint has to know.
"""

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog, SourceMetadata
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import FileWriter, SummaryWriter

from linnet.system.files import sync
from linnet.tracking.scalar_records import Point, encode

PATTERN = "events.out.tfevents.[0-9]*"
"""TensorBoard knows its files by this name."""


class EventFile(FileWriter):
    """A new event file in a directory, in place of torch's FileWriter."""

    def __init__(self, folder: Path) -> None:
        # TensorBoard reads the files in the order of their names, which begin with a time in seconds.
        seconds = [int(path.name.split(".")[3]) + 1 for path in folder.glob(PATTERN)]
        name = f"{max([int(time.time()), *seconds]):010d}.{socket.gethostname()}.{os.getpid()}.0"
        self._folder = folder
        self._file = (folder / f"events.out.tfevents.{name}").open("xb")
        self._records = RecordWriter(self._file)
        self._points: list[Point] = []
        self._encoded = b""
        self.event_writer = self
        source = SourceMetadata(writer="linnet")
        self.add_event(Event(file_version="brain.Event:2", source_metadata=source))

    def get_logdir(self) -> str:
        return str(self._folder)

    def add_event(self, event: Event, step: Any = None, walltime: float | None = None) -> None:
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        self._records.write(event.SerializeToString())

    def add_points(self, tag: str, steps: Sequence[int], values: Sequence[float]) -> None:
        """Add points to a curve; `flush` writes them in batches."""
        now = time.time()
        self._points += [Point(now, step, tag, value) for step, value in zip(steps, values, strict=True)]

    def flush(self, *, durable: bool = False) -> None:
        self._write_points()
        self._file.flush()
        if durable:
            sync(self._file)

    def close(self) -> None:
        try:
            self._write_points()
        finally:
            self._file.close()

    def _write_points(self) -> None:
        if self._points:
            encode_together([self])
        self._file.write(self._encoded)
        self._encoded = b""


def encode_together(files: Sequence[EventFile]) -> None:
    """Encode the waiting points of these files in one batch; each file then writes its own records."""
    for file, records in zip(files, encode([file._points for file in files]), strict=True):
        file._encoded += records
        file._points = []


class EventWriter(SummaryWriter):
    """torch's SummaryWriter over an `EventFile`.

    Args:
        folder: the run directory.
        resumed_at: the last step before this file; of later ones, a TensorBoard that is open forgets what it has read.
    """

    def __init__(self, folder: Path, resumed_at: int | None = None) -> None:
        self.file = EventFile(folder)
        if resumed_at is not None:
            self.file.add_event(Event(session_log=SessionLog(status=SessionLog.START)), resumed_at + 1)
        super().__init__(log_dir=str(folder))

    def add_points(self, tag: str, steps: Sequence[int], values: Sequence[float]) -> None:
        self.file.add_points(tag, steps, values)

    def _get_file_writer(self) -> EventFile:
        """Return the object that torch's SummaryWriter adds events to."""
        return self.file

    def flush(self, *, durable: bool = False) -> None:
        self.file.flush(durable=durable)

    def close(self) -> None:
        self.file.close()
