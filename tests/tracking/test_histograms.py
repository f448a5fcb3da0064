"""Histograms of weights, however alike or far apart these are."""

from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from linnet.tracking import RunLogger


@pytest.mark.parametrize(
    "values",
    [
        [0.0] * 4,
        [1.0, 1.0 + 1e-16],
        [3.0, 3.0000001],
        [-1e-30, 1e-30],
        [-2.0, 0.5, 7.0],
        [5e-324, 0.0],
        [1e150, -1e150],
    ],
    ids=str,
)
def test_every_value_is_counted(tmp_path: Path, values: list[float]) -> None:
    logger = RunLogger(tmp_path)
    logger.log_histograms({"weight": torch.tensor(values, dtype=torch.float64)}, 1)
    logger.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    histogram = events.Histograms("weights/weight")[0].histogram_value
    assert (histogram.min, histogram.max, histogram.num) == (min(values), max(values), len(values))
    assert sum(histogram.bucket) == len(values)
    assert sorted(histogram.bucket_limit) == histogram.bucket_limit


@pytest.mark.parametrize("values", [[float("inf"), 0.0], [float("nan")]], ids=str)
def test_what_is_not_finite_is_left_out(tmp_path: Path, values: list[float]) -> None:
    logger = RunLogger(tmp_path)
    logger.log_histograms({"weight": torch.tensor(values)}, 1)
    logger.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert events.Tags()["histograms"] == []
