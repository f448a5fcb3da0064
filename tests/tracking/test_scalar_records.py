"""Points encoded in bulk against TensorBoard's own writer, byte for byte."""

import io
import itertools

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from linnet.tracking.scalar_records import Point, encode

STEPS = [0, 1, 127, 128, 16_383, 16_384, 10**6, 2**40, 2**63 - 1]
TAGS = ["a", "train/loss", "val/größe", "x" * 127, "x" * 128, "x" * 1000]
VALUES = [0.0, -1.5, 3.14159, 1e-45, 1e38, 1e39, float("inf"), float("-inf"), float("nan"), 7]


def by_tensorboard(points: list[Point]) -> bytes:
    file = io.BytesIO()
    writer = RecordWriter(file)
    for point in points:
        summary = Summary(value=[Summary.Value(tag=point.tag, simple_value=point.value)])
        writer.write(Event(wall_time=point.wall_time, step=point.step, summary=summary).SerializeToString())
    return file.getvalue()


@pytest.mark.parametrize("tag", TAGS, ids=len)
def test_the_bytes_are_those_of_tensorboard(tag):
    points = [Point(1.7e9 + i / 7, step, tag, VALUES[i % len(VALUES)]) for i, step in enumerate(STEPS * 3)]
    assert encode([points])[0] == by_tensorboard(points)


def test_points_of_different_curves_stay_in_their_order():
    points = [
        Point(1e9 + i, step, tag, value)
        for i, (step, value, tag) in enumerate(itertools.product(STEPS[:5], VALUES[:4], TAGS[:3]))
    ]
    assert encode([points])[0] == by_tensorboard(points)


def test_many_files_are_each_as_if_alone():
    files = [[Point(1e9 + k, step, tag, k / 3) for step in STEPS[k:] for tag in TAGS[:k]] for k in range(4)]
    assert encode(files) == [by_tensorboard(points) for points in files]
    assert [bool(content) for content in encode(files)] == [False, True, True, True]


def test_no_files_are_no_contents():
    assert encode([]) == []
