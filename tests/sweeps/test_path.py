"""`search=path`: strengths from the data, largest first."""

from pathlib import Path

import pytest

from linnet.cli import main as cli
from linnet.system.reading import read_json

COMMON = ("train", "search=path", "data=diabetes", "penalty=l1")


def test_a_path_of_l1_with_folds_begins_with_weights_that_are_all_zero(tmp_path: Path, capsys) -> None:
    options = ("search.n_strengths=3", "search.ratio=0.01", "resampling=kfold", f"hydra.sweep.dir={tmp_path}")
    assert cli.run([*COMMON, *options]) == 0
    strengths = [read_json(tmp_path / job / "manifest.json")["config"]["penalty"]["strength"] for job in "012"]
    assert strengths[1:] == pytest.approx([strengths[0] / 10, strengths[0] / 100], rel=1e-4)
    metrics = [read_json(tmp_path / job / "metrics.json") for job in "012"]
    assert [each["parameter/nonzero"] for each in metrics[:1]] == [0]
    assert metrics[0]["parameter/nonzero"] < metrics[1]["parameter/nonzero"] <= metrics[2]["parameter/nonzero"]
    assert all(each["cv/gap"] <= 1e-6 for each in metrics)
    assert "best by cv/loss" in capsys.readouterr().out
    assert cli.run([*COMMON, *options]) == 0
    assert "3 of them finished before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["penalty.strength=0.1"], "search=path finds the strengths itself"),
        (["penalty=none"], "search=path needs penalty=l1, l2 or elastic_net"),
        (["search.n_strengths=1"], "expected a whole number of at least 2"),
        (["search.ratio=2"], "search.ratio=2: expected"),
        (["search.n_trials=3"], "n_trials"),
    ],
)
def test_what_is_no_path_is_refused_in_one_line(options, reason, tmp_path: Path, capsys) -> None:
    assert cli.run([*COMMON, *options, f"hydra.sweep.dir={tmp_path / 's'}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("linnet: ") and reason in line
    assert not (tmp_path / "s").exists()
