"""TensorBoard's event file, written in the thread that logs.

torch's SummaryWriter hands its records to a thread. An error there, such as a full disk, shows up late and as a
traceback of that thread; and how much of the file is written is nowhere to be had, which a checkpoint has to know.
TensorBoard's own RecordWriter computes checksums in Python, 50 µs for a point: as much as a step of a small model.
"""

import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import google_crc32c
from tensorboard.compat.proto.event_pb2 import Event, SessionLog, SourceMetadata
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from torch.utils.tensorboard import FileWriter

from linnet.system.compat.tensorboard import WriterTo
from linnet.system.files import sync

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
        self._waiting = bytearray()
        self._point = Event()  # of all points: to make one for each would take three times as long
        self._value = self._point.summary.value.add()
        self.event_writer = self
        source = SourceMetadata(writer="linnet")
        self.add_event(Event(file_version="brain.Event:2", source_metadata=source))

    def get_logdir(self) -> str:
        return str(self._folder)

    def add_event(self, event: Event, step: Any = None, walltime: float | None = None) -> None:
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        self._file.write(_record(event))

    def add_points(
        self, tag: str, steps: Sequence[int], values: Sequence[float], metadata: SummaryMetadata | None = None
    ) -> None:
        """Add points to a curve; `flush` writes them. TensorBoard takes metadata from the first point."""
        self._point.wall_time, self._value.tag = time.time(), tag
        if metadata is not None and steps:
            first = Summary.Value(tag=tag, simple_value=values[0], metadata=metadata)
            self._waiting += _record(Event(wall_time=self._point.wall_time, step=steps[0], summary={"value": [first]}))
            steps, values = steps[1:], values[1:]
        for step, value in zip(steps, values, strict=True):
            self._point.step, self._value.simple_value = step, value
            self._waiting += _record(self._point)

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
        self._file.write(self._waiting)
        self._waiting.clear()


def _record(event: Event) -> bytes:
    """Return an event in the TFRecord format: its length, a checksum of that, the event, a checksum of it."""
    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    """Return the CRC-32C as TFRecord masks it: rotated, and shifted by a constant."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


class EventWriter(WriterTo):
    """torch's SummaryWriter over an `EventFile`.

    Args:
        folder: the run directory.
        resumed_at: the last step before this file; of later ones, a TensorBoard that is open forgets what it has read.
    """

    def __init__(self, folder: Path, resumed_at: int | None = None) -> None:
        self.file: EventFile
        file = EventFile(folder)
        if resumed_at is not None:
            file.add_event(Event(session_log=SessionLog(status=SessionLog.START)), resumed_at + 1)
        super().__init__(file, str(folder))

    def add_points(
        self, tag: str, steps: Sequence[int], values: Sequence[float], metadata: SummaryMetadata | None = None
    ) -> None:
        self.file.add_points(tag, steps, values, metadata)

    def flush(self, *, durable: bool = False) -> None:
        self.file.flush(durable=durable)

    def close(self) -> None:
        self.file.close()
