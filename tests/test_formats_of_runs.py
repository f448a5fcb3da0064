"""Run directories of earlier formats stay readable: a run and a sweep that linnet wrote before format 2.

Format 1 trained on targets that were not centred, so its weights must not be taken for those of today's examples.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import linnet
from linnet.cli import main as cli
from linnet.system.files import write_json
from linnet.system.reading import read_json
from linnet.tracking.manifest import FORMAT

FORMAT_1 = Path(__file__).parent / "fixtures" / "format_1"
SINGLE = 1e-5
"""Relative: weights and features rounded to float32, of which the metrics are sums of at most 12 terms."""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(FORMAT_1, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("run", ["run", "sweep/0", "sweep/1"])
def test_evaluate_gives_the_recorded_metrics(workplace, capsys, run):
    assert cli.run(["evaluate", run, "--json"]) == 0
    found, recorded = json.loads(capsys.readouterr().out), read_json(workplace / run / "metrics.json")
    names = [name for name in recorded if name.split("/")[0] in ("train", "val", "test")]
    assert "test/loss" in names
    for name in names:
        if recorded[name] is None:
            assert found[name] is None
        else:
            assert found[name] == pytest.approx(recorded[name], rel=SINGLE), name


def test_predict_and_export_agree_with_the_weights(workplace, capsys):
    predicted = linnet.load("run")({"area": [52.5, 95.0], "rooms": [2, 4], "town": ["Ulm", "Köln"]})
    assert cli.run(["predict", "run", "--input", "houses.csv"]) == 0
    lines = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    np.testing.assert_array_equal(predicted, [float(lines[0]["prediction"]), float(lines[5]["prediction"])])
    assert cli.run(["export", "run", "--format", "json", "--output", "model.json"]) == 0
    assert cli.run(["inspect", "run"]) == 0


def test_compare_ranks_the_sweep(workplace, capsys):
    assert cli.run(["compare", "sweep", "--output", "compared"]) == 0
    with Path("compared", "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    recorded = [read_json(workplace / "sweep" / name / "metrics.json")["val/loss"] for name in "01"]
    assert sorted(float(row["val/loss"]) for row in rows) == pytest.approx(sorted(recorded), rel=1e-12)


def test_resume_refuses_in_one_line(workplace, capsys):
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file() and path.name != ".lock"}
    assert cli.run(["resume", "run", "trainer.max_epochs=5"]) == 2
    assert "run directory of format 1" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in before}


def test_reproduce_names_the_format(workplace, capsys):
    cli.run(["reproduce", "run", "--json"])
    assert json.loads(capsys.readouterr().out)["environment"]["format"] == {"recorded": 1, "here": FORMAT}


def test_a_later_format_is_refused(workplace, capsys):
    manifest = read_json(workplace / "run" / "manifest.json")
    write_json(workplace / "run" / "manifest.json", {**manifest, "format": FORMAT + 1, "linnet": "9.0"})
    for command in (["evaluate", "run"], ["reproduce", "run"], ["predict", "run", "--input", "houses.csv"]):
        assert cli.run(command) == 2
        assert "9.0" in capsys.readouterr().err
