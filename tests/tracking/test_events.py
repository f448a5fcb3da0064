"""Points in an event file against TensorBoard's own writer, byte for byte."""

import io
import itertools

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from linnet.tracking.events import EventFile

STEPS = [0, 1, 127, 128, 16_383, 16_384, 10**6, 2**40, 2**63 - 1]
TAGS = ["a", "train/loss", "val/größe", "x" * 127, "x" * 128, "x" * 1000]
VALUES = [0.0, -1.5, 3.14159, 1e-45, 1e38, 1e39, float("inf"), float("-inf"), float("nan"), 7]


def by_tensorboard(tag: str, steps: list[int], values: list[float], now: float) -> bytes:
    file = io.BytesIO()
    writer = RecordWriter(file)
    for step, value in zip(steps, values, strict=True):
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        writer.write(Event(wall_time=now, step=step, summary=summary).SerializeToString())
    return file.getvalue()


@pytest.fixture
def event_file(tmp_path, monkeypatch):
    monkeypatch.setattr("linnet.tracking.events.time.time", lambda: 1.7e9 + 1 / 7)
    file = EventFile(tmp_path)
    file.flush()
    yield file
    file.close()


def written(file: EventFile, before: int) -> bytes:
    file.flush()
    (path,) = file._folder.iterdir()
    return path.read_bytes()[before:]


@pytest.mark.parametrize("tag", TAGS, ids=len)
def test_the_bytes_are_those_of_tensorboard(event_file, tag):
    before, steps = len(written(event_file, 0)), STEPS * 3
    values = [VALUES[i % len(VALUES)] for i in range(len(steps))]
    event_file.add_points(tag, steps, values)
    assert written(event_file, before) == by_tensorboard(tag, steps, values, 1.7e9 + 1 / 7)


def test_points_of_different_curves_stay_in_their_order(event_file):
    before, expected = len(written(event_file, 0)), b""
    for tag, value in itertools.product(TAGS[:3], VALUES[:4]):
        event_file.add_points(tag, STEPS[:5], [value] * 5)
        expected += by_tensorboard(tag, STEPS[:5], [value] * 5, 1.7e9 + 1 / 7)
    assert written(event_file, before) == expected


def test_the_first_event_is_as_tensorboard_writes_it(event_file):
    record, file = written(event_file, 0), io.BytesIO()
    event = Event.FromString(record[12:-4])
    RecordWriter(file).write(event.SerializeToString())
    assert event.file_version == "brain.Event:2"
    assert record == file.getvalue()
