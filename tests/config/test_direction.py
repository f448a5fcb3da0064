"""Which way is better, of every metric that a model reports."""

import pytest
import torch
from all_metrics import classification_metrics, regression_metrics

from linnet.config.direction import HIGHER_IS_BETTER, LOWER_IS_BETTER, NEITHER, direction, known_direction


def test_every_metric_of_a_split_is_listed_once():
    """The best value of each, by its definition, is reached by predictions that are right and sure."""
    target = torch.arange(6) % 3
    sure = 50 * torch.nn.functional.one_hot(target, 3).float()
    wrong = sure.roll(1, dims=1)
    best, worst = classification_metrics(sure, target), classification_metrics(wrong, target)
    truth = torch.arange(6.0)[:, None]
    best |= regression_metrics(truth, truth)
    worst |= regression_metrics(truth + 9, truth)
    for name in best:
        (table,) = [table for table in (LOWER_IS_BETTER, HIGHER_IS_BETTER, NEITHER) if name in table]
        if table is not NEITHER:
            assert (best[name] < worst[name]) == (table is LOWER_IS_BETTER), name


@pytest.mark.parametrize("metric", ["optimum/p/loss", "optimum/r2/y1", "loss", "val/predictive_entropy"])
def test_what_is_no_metric_by_a_known_name_has_no_direction(metric):
    assert known_direction(metric) is None


def test_of_an_old_run_the_recorded_direction_counts():
    assert direction({"metric": "val/accuracy", "direction": "minimize"}) == "minimize"
    assert direction({"metric": "val/accuracy", "direction": None}) == "maximize"
