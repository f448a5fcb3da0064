"""Tags and notes say what a run is for; no result depends on them, and `compare` chooses by tags."""

from pathlib import Path

import pytest

import linnet
from linnet.cli import main as cli
from linnet.system.reading import read_json


@pytest.fixture
def runs(workplace):
    for name, more in {"a": ["tags=[first,paper]", "notes='x = 1, y: 2'"], "b": ["tags=[paper]"], "c": []}.items():
        linnet.train([*more, "trainer.max_epochs=1", "figures=false", "optimum=off", f"hydra.run.dir=runs/{name}"])
    return Path("runs")


@pytest.mark.parametrize(
    ("tags", "chosen"), [(["first"], "a"), (["paper"], "ab"), (["paper", "first"], "a"), ([], "abc")]
)
def test_compare_chooses_the_runs_that_have_them_all(runs, capsys, tags, chosen):
    words = [word for tag in tags for word in ("--tag", tag)]
    assert cli.run(["compare", "runs", "--no-figures", *words]) == 0
    lines = (runs / "summary.csv").read_text().splitlines()[1:]
    assert sorted(line.split(",")[0] for line in lines) == [f"runs/{name}" for name in chosen]


def test_an_unknown_tag_is_refused_with_those_that_there_are(runs, capsys):
    assert cli.run(["compare", "runs", "--tag", "typo"]) == 2
    assert capsys.readouterr().err == "linnet: no run has the tags typo: the runs have first, paper\n"


def test_they_are_recorded_and_change_no_result(runs):
    records = [read_json(runs / name / "manifest.json") for name in "abc"]
    assert records[0]["config"]["tags"] == ["first", "paper"] and records[0]["config"]["notes"] == "x = 1, y: 2"
    assert len({(record["config_sha256"], record["weights_sha256"]) for record in records}) == 1
    assert cli.run(["resume", "runs/a", "trainer.max_epochs=2"]) == 0
    assert cli.run(["evaluate", "runs/a"]) == 0


def test_tags_are_a_list(capsys):
    assert cli.run(["train", "tags=paper"]) == 2
    assert "tags=paper: expected a list of words" in capsys.readouterr().err
