"""CSV for spreadsheets: no text is taken for a formula, and numbers stay numbers."""

import csv
import json
from pathlib import Path

import pytest

import linnet
from linnet.cli import main as cli
from linnet.system.spreadsheet import safe_cell

FORMULAS = ("=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "\uff1d1")
NUMBERS = ("-0.5", "+1e-3", "-.5", "-1.", "-inf", "1e5")
COLUMN, LEVEL = "=size", "@home"


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [*NUMBERS, -0.5, None, 3, "a=b", "", "3-4", "'=1"])
def test_everything_else_stays(value):
    assert safe_cell(value) == value


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    rows = [f"{size},{kind},{2 * size}" for size in range(-20, 20) for kind in (LEVEL, "-0.5x", "plain")]
    (folder / "t.csv").write_text("\n".join([f"{COLUMN},kind,y", *rows]))
    words = ["data=table", f"data.path={folder}/t.csv", "data.target=y", "optimizer=exact", "figures=false"]
    linnet.train([*words, f"hydra.run.dir={folder / 'run'}"])
    return folder


def cells(path: str) -> set[str]:
    with Path(path).open(newline="") as file:
        return {cell for row in csv.reader(file) for cell in row}


def test_coefficients(trained, workplace):
    assert cli.run(["inspect", str(trained / "run"), "--csv", "plain.csv"]) == 0
    assert COLUMN in cells("plain.csv")
    assert cli.run(["inspect", str(trained / "run"), "--csv", "safe.csv", "--spreadsheet-safe"]) == 0
    assert cells("safe.csv") == {safe_cell(cell) for cell in cells("plain.csv")}


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_predictions_with_columns_that_are_kept(trained, workplace, name):
    kept = ["predict", str(trained / "run"), "--input", f"{trained}/t.csv", "--id", COLUMN, "--id", "kind"]
    assert cli.run([*kept, "--output", "plain.csv"]) == 0
    assert cli.run([*kept, "--output", name, "--spreadsheet-safe"]) == 0
    if name.endswith(".gz"):
        import gzip

        Path("out.csv").write_bytes(gzip.decompress(Path(name).read_bytes()))
    assert {f"'{COLUMN}", f"'{LEVEL}", "'-0.5x", "plain", "-20"} <= cells("out.csv")
    assert cells("out.csv") == {safe_cell(cell) for cell in cells("plain.csv")}


def test_it_is_for_csv(trained, workplace, capsys):
    arguments = ["--input", f"{trained}/t.csv", "--output", "out.parquet", "--spreadsheet-safe"]
    assert cli.run(["predict", str(trained / "run"), *arguments]) == 2
    assert "--spreadsheet-safe: is for CSV, and not for --output=out.parquet" in capsys.readouterr().err
    assert not Path("out.parquet").exists()


def test_a_comparison_unless_told_otherwise(workplace):
    for k, value in enumerate(("=1+1", "-0.5")):
        run = Path("sweep") / str(k)
        (run / ".hydra").mkdir(parents=True)
        (run / "status.json").write_text(json.dumps({"state": "completed", "seconds": 1.0}))
        (run / "metrics.json").write_text(json.dumps({"val/loss": -0.5, "train/loss": 1.0}))
        config = {"data": {"target": value}, "objective": {"metric": "val/loss", "direction": None}}
        (run / "manifest.json").write_text(json.dumps({"config": config, "choices": {}}))
        (run / ".hydra" / "overrides.yaml").write_text(json.dumps([f"data.target={value}"]))
        (run / "history.csv").write_text("metric,step,value\nval/loss,1,2.0\n")
    assert cli.run(["compare", "sweep", "--no-figures"]) == 0
    assert {"'=1+1", "-0.5"} <= cells("sweep/summary.csv")
    assert cli.run(["compare", "sweep", "--no-figures", "--no-spreadsheet-safe"]) == 0
    assert "=1+1" in cells("sweep/summary.csv")
