"""What follows from resampling: the objective is cv/loss, and nothing is held out for validation."""

import pytest

from linnet.config.check import check
from linnet.config.compose import compose, compose_sweep, session

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.parametrize(
    ("overrides", "metric", "val_fraction"),
    [
        ([], "val/loss", 0.1),
        (["resampling=kfold"], "cv/loss", 0),
        (["resampling=kfold", "data=diabetes"], "cv/loss", 0),
        (["resampling=kfold", "data.val_fraction=0.3", "objective.metric=cv/accuracy"], "cv/accuracy", 0.3),
        (["resampling=bootstrap", "data=polynomial"], "cv/loss", None),  # which makes validation examples
    ],
)
def test_of_one_run(overrides, metric, val_fraction, checked):
    config = checked(*overrides)
    assert (config["objective"]["metric"], config["data"]["val_fraction"]) == (metric, val_fraction)


@pytest.mark.parametrize("given", [True, False])
def test_an_experiment_says_otherwise(given, checked, workplace):
    folder = workplace / "experiments" / "mine"
    folder.mkdir(parents=True)
    more = "objective:\n  metric: val/loss\ndata:\n  val_fraction: 0.1\n" if given else ""
    text = f"# @package _global_\ndefaults:\n  - override /resampling: kfold\n{more}"
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    config = checked("experiment=mine")
    expected = ("val/loss", 0.1) if given else ("cv/loss", 0)
    assert (config["objective"]["metric"], config["data"]["val_fraction"]) == expected


def test_an_option_of_a_project_keeps_its_share(workplace):
    (workplace / "conf" / "data").mkdir(parents=True)
    (workplace / "conf" / "data" / "mine.yaml").write_text("defaults: [digits]\nval_fraction: 0.3\n", encoding="utf-8")
    with session([workplace / "conf"]):
        config = check(compose(["data=mine", "resampling=kfold"]))
    assert (config["objective"]["metric"], config["data"]["val_fraction"]) == ("cv/loss", 0.3)


@pytest.mark.parametrize(
    ("overrides", "metric"),
    [
        (["resampling=kfold", "optimizer.lr=0.1,0.2"], "cv/loss"),
        (["resampling=kfold", "data=digits,fashion_mnist"], "cv/loss"),
        (["resampling=none,kfold"], "val/loss"),  # each job has its own
    ],
)
def test_a_sweep_chooses_by_it(overrides, metric):
    with session():
        assert compose_sweep(overrides).objective.metric == metric


def test_without_resamples_there_is_no_such_metric(refusal):
    line = refusal("train", "objective.metric=cv/loss")
    assert line.endswith("objective.metric=cv/loss: resampling=none makes no resamples, use resampling=kfold")
