"""Figures from chunks are those from all examples at once, for each of the models that are counted together."""

import math

import pytest
import torch
from all_metrics import classification_metrics, regression_metrics
from torch import Tensor

from linnet.data import Examples
from linnet.models.running_metrics import ClassificationMetrics, RegressionMetrics

K, N, C = 3, 50, 4


@pytest.fixture
def prediction() -> Tensor:
    return torch.randn(K, N, C, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [1, 7, 50])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_classification(prediction: Tensor, size: int, smoothing: float) -> None:
    target = torch.randint(0, C, (N,), generator=torch.Generator().manual_seed(2))
    running = ClassificationMetrics(K, C, smoothing, prediction)
    for some, y in zip(prediction.split(size, dim=1), target.split(size), strict=True):
        running.update(some, y)
    for k, figures in enumerate(running.compute()):
        assert figures == pytest.approx(classification_metrics(prediction[k], target, smoothing), rel=1e-12)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_regression(prediction: Tensor, size: int) -> None:
    target = 1e3 + torch.randn(N, C, generator=torch.Generator().manual_seed(3))
    running = RegressionMetrics()
    for some, y in zip(prediction.split(size, dim=1), target.split(size), strict=True):
        running.update(some, y)
    for k, figures in enumerate(running.compute()):
        assert figures == pytest.approx(regression_metrics(prediction[k], target), rel=1e-9)


def test_a_target_that_is_constant_over_all_chunks_has_no_r2(prediction: Tensor) -> None:
    for last, expected in ((2.0, True), (3.0, False)):
        running = RegressionMetrics()
        target = torch.full((N, C), 2.0)
        target[-1] = last
        for some, y in zip(prediction.split(10, dim=1), target.split(10), strict=True):
            running.update(some, y)
        assert all((figures["r2"] != figures["r2"]) is expected for figures in running.compute())


@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_spread_that_is_known_gives_the_same_numbers_bit_for_bit(prediction: Tensor, size: int) -> None:
    target = 1e3 + torch.randn(N, C, generator=torch.Generator().manual_seed(3))
    examples = Examples(torch.zeros(N, 1), target)
    found = []
    for spread in (None, examples.spread(size)):
        running = RegressionMetrics(spread)
        for some, y in zip(prediction.split(size, dim=1), target.split(size), strict=True):
            running.update(some, y)
        found.append(running.compute())
    assert found[0] == found[1] and examples.spread(size) is examples.spread(size)


def test_a_spread_that_underflows_to_0_makes_r2_infinite_as_a_division_would() -> None:
    running = RegressionMetrics()
    target = torch.tensor([[0.0], [1e-200]], dtype=torch.float64)
    running.update(torch.ones(1, 2, 1, dtype=torch.float64), target)
    assert running.compute()[0]["r2"] == -math.inf
