"""Columns of dates, through the command line: read as days where asked, and asked about where they are ambiguous."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import linnet
from linnet.cli import main as cli

EXACT = ("optimizer=exact", "data.test_fraction=0", "data.val_fraction=0", "figures=false")
DAYS = [date(2025, 1, 1) + timedelta(days=9 * k) for k in range(40)]
SLOPE, START = 0.25, (date(2025, 1, 1) - date(1970, 1, 1)).days
Y = [3 + SLOPE * 9 * k for k in range(40)]


def train(*options: str, path: str = "f.csv") -> int:
    return cli.run(["train", "data=table", f"data.path={path}", "data.target=y", "hydra.run.dir=run", *EXACT, *options])


@pytest.mark.parametrize(("pattern", "order"), [
    ("%Y-%m-%d", "ymd"), ("%Y/%m/%d", "ymd"), ("%d.%m.%Y", "dmy"), ("%d/%m/%Y", "dmy"), ("%m/%d/%Y", "mdy"),
    ("%Y-%m-%dT%H:%M:%SZ", "ymd"), ("%Y-%m-%d %H:%M:%S.%f", "ymd"), ("%m/%d/%Y %I:%M %p", "mdy"),
    ("%d.%m.%Y %H:%M", "dmy"),
])  # fmt: skip
def test_are_days_in_any_order(pattern, order, workplace):
    moments = [datetime(day.year, day.month, day.day, 12) for day in DAYS]
    clock = 0.5 if "%H" in pattern or "%I" in pattern else 0.0
    pd.DataFrame({"d": [moment.strftime(pattern) for moment in moments], "y": Y}).to_csv("f.csv", index=False)
    assert train("data.dates=days") == 0
    found = linnet.load("run").model
    assert found.weight[0, 0] == pytest.approx(SLOPE, rel=1e-10)
    assert found.bias[0] == pytest.approx(3 - SLOPE * (START + clock), rel=1e-10)
    column = json.loads(Path("run/preprocessing.json").read_text())["table"]["columns"][0]
    assert (column["kind"], column["date"]) == ("number", order)
    np.testing.assert_allclose(found({"d": pa.array([moment.strftime(pattern) for moment in moments])}), Y, rtol=1e-9)


def test_zones_count(workplace):
    texts = [f"{day}T00:00:00{'+05:30' if k % 2 else '-08:00'}" for k, day in enumerate(DAYS)]
    hours = np.array([-5.5 if k % 2 else 8.0 for k in range(40)])
    pd.DataFrame({"d": texts, "y": np.array(Y) + SLOPE * hours / 24}).to_csv("f.csv", index=False)
    assert train("data.dates=days") == 0
    assert linnet.load("run").model.weight[0, 0] == pytest.approx(SLOPE, rel=1e-10)


def test_typed_columns_and_text_are_one(workplace):
    parquet.write_table(pa.table({"d": pa.array(DAYS), "y": Y}), "f.parquet")
    assert train("data.dates=days", path="f.parquet") == 0
    found = linnet.load("run").model
    assert found.weight[0, 0] == pytest.approx(SLOPE, rel=1e-10)
    np.testing.assert_allclose(found({"d": [str(day) for day in DAYS]}), Y, rtol=1e-9)


def test_an_ambiguous_order_is_asked_for(workplace, capsys):
    texts = [f"{1 + k % 12:02}/{1 + k % 11:02}/2025" for k in range(40)]
    pd.DataFrame({"d": texts, "y": Y}).to_csv("f.csv", index=False)
    assert train("data.dates=days") == 2
    line = capsys.readouterr().err
    assert "the day or the month may come first ('01/01/2025' in rows 1, 2" in line
    assert "give data.day_first=true or data.day_first=false" in line
    assert len(line.splitlines()) == 1
    assert train("data.dates=days", "data.day_first=true") == 0
    column = json.loads(Path("run/preprocessing.json").read_text())["table"]["columns"][0]
    assert column["date"] == "dmy"


@pytest.mark.parametrize("wrong", ["31.02.2025", "2025-13-01", "12:30", "soon"])
def test_what_is_none_is_named(wrong, workplace, capsys):
    texts = [*map(str, DAYS[:-1]), wrong]
    pd.DataFrame({"d": texts, "y": Y}).to_csv("f.csv", index=False)
    assert train("data.dates=days") == 2
    line = capsys.readouterr().err
    assert "column d: expected a date such as " in line
    assert f"found '{wrong}' in row 40 of f.csv" in line


def test_are_refused_with_the_option_unless_asked_for(workplace, capsys):
    pd.DataFrame({"d": DAYS, "y": Y}).to_csv("f.csv", index=False)
    assert train() == 2
    assert "column d holds dates: give data.dates=days to take them as days since 1970-01-01" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "onnx", "sklearn"])
def test_are_exported_as_days(form, workplace, capsys):
    pd.DataFrame({"d": DAYS, "x": np.sin(range(40)), "y": Y}).to_csv("f.csv", index=False)
    assert train("data.dates=days", "data.missing=mean") == 0
    assert cli.run(["export", "run", "--format", form, "--output", f"m.{form}"]) == 0
    assert "days since 1970-01-01: d; number: x" in capsys.readouterr().out
