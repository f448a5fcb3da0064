"""The page of many runs: settings as `linnet compare` ranks them, against sums by hand; what failed; its size."""

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import SCRIPT, Parsed, charts, check

import linnet
from linnet.comparison.finding import find_runs
from linnet.comparison.report.page import render
from linnet.comparison.report.runs_page import runs_page
from linnet.comparison.runs import read_run

MakeRun = Callable[..., Path]


def page_of(folder: Path, metric: str | None = None) -> str:
    return render(runs_page([read_run(path) for path in find_runs([folder])], metric))


def test_settings_are_ranked_and_drawn_with_their_spread(sweep: Path) -> None:
    html = page_of(sweep)
    page = check(html)
    ranking = page.rows("best first")
    assert [row[1] for row in ranking[1:]] == ["0.1", "0.01", "1", "0.001"]
    assert any(text.startswith("chosen by val/loss: optimizer.lr=0.1") for text in page.texts("p"))
    chart = charts(html)[0]
    assert chart["title"] == "val/loss against optimizer.lr" and chart["x"]["log"]
    (line,) = chart["lines"]
    losses = {lr: [abs(math.log10(lr) + 1) + 0.5 + seed / 100 for seed in (0, 1, 2)] for lr in (0.001, 0.01, 0.1, 1.0)}
    assert line["x"] == list(losses)
    assert line["y"] == pytest.approx([statistics.fmean(values) for values in losses.values()], rel=5e-6)
    assert line["error"] == pytest.approx([statistics.stdev(values) for values in losses.values()], rel=5e-6)


def test_every_run_has_its_curve(sweep: Path) -> None:
    chart = charts(page_of(sweep))[1]
    assert len(chart["lines"]) == 12 and len({line["legend"] for line in chart["lines"]}) == 4
    assert {line["name"] for line in chart["lines"]} >= {"lr=0.1, seed 0", "lr=0.001, seed 2"}
    best = next(line for line in chart["lines"] if line["name"] == "lr=0.1, seed 0")
    assert best["x"] == list(range(1, 30)) and best["y"][0] == 1.5  # a last line cut short is left out


def test_the_command_is_that_of_the_whole_grid(sweep: Path, make_run: MakeRun) -> None:
    command = "linnet train -m objective.direction=minimize optimizer.lr=0.001,0.01,0.1,1.0 seed=0,1,2"
    assert command in check(page_of(sweep)).texts("code")
    (sweep / "0" / ".hydra" / "overrides.yaml").write_text("- optimizer.lr=7\n")  # it follows from the configurations
    assert command in check(page_of(sweep)).texts("code")
    make_run("more", {"optimizer.lr": 10, "seed": 0}, 9.0)
    assert not any(line.startswith("linnet train -m") for line in check(page_of(sweep)).texts("code"))


def test_two_numbers_that_vary_have_a_table_of_shades(make_run: MakeRun, tmp_path: Path) -> None:
    for number, (lr, strength) in enumerate((lr, strength) for lr in (0.1, 0.2) for strength in (0, 1)):
        make_run(str(number), {"optimizer.lr": lr, "penalty.strength": strength}, lr + strength)
    make_run("4", {"optimizer.lr": 0.3, "penalty.strength": 0}, state="diverged", error="too fast")
    page = check(page_of(tmp_path / "sweep"))
    table = page.rows("darker is better")
    assert table == [
        ["penalty.strength ↓  optimizer.lr →", "0.1", "0.2", "0.3"],
        ["0", "0.1", "0.2", "diverged"], ["1", "1.1", "1.2", ""],
    ]  # fmt: skip
    shades = [attrs.get("class", "") for name, attrs, _ in page.elements if attrs.get("class", "").startswith("shade")]
    assert shades == ["shade9", "shade7", "shade0", "shade0"]


def test_what_failed_is_listed_with_its_reason(make_run: MakeRun, tmp_path: Path) -> None:
    make_run("0", {"optimizer.lr": 1}, state="failed", error=f"no room {SCRIPT}")
    make_run("1", {"optimizer.lr": 2}, state="diverged", error="the loss became inf")
    html = page_of(tmp_path / "sweep")
    page = check(html)
    rows = page.rows("and why")
    assert [row[:4] for row in rows[1:]] == [
        ["optimizer.lr=1", "0", "failed", f"no room {SCRIPT}"],
        ["optimizer.lr=2", "0", "diverged", "the loss became inf"],
    ]  # fmt: skip
    assert "No run has completed with val/loss." in page.texts("p")
    assert charts(html) == [] and page.texts("script") == []


def test_a_metric_can_be_chosen(sweep: Path) -> None:
    assert charts(page_of(sweep, "val/accuracy"))[0]["title"] == "val/accuracy against optimizer.lr"


def test_names_of_strangers(make_run: MakeRun, tmp_path: Path) -> None:
    for number in range(3):
        make_run(f"{number}-{SCRIPT.replace('/', '')}", {SCRIPT.replace("=", ""): f"{SCRIPT}{number}"}, 1.0 + number)
    page = check(page_of(tmp_path / "sweep"))
    assert page.text.count(SCRIPT) > 5


def test_64_runs_of_two_thousand_steps_are_below_3_mb(make_run: MakeRun, tmp_path: Path) -> None:
    lines = "".join(f"val/loss,{step},{1 / step + 0.1 * math.sin(step)!r}\n" for step in range(1, 2_001))
    for number in range(64):
        run = make_run(str(number), {"optimizer.lr": 0.001 * 1.1**number}, 1.0 + number)
        (run / "history.csv").write_text("metric,step,value\n" + lines)
        (run / "figures").mkdir()
        for name in range(8):
            (run / "figures" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\1" * 4 + bytes(500_000))
    html = page_of(tmp_path / "sweep")
    assert len(html.encode()) < 3_000_000
    curves = charts(html)[1]
    assert len(curves["lines"]) == 64 and all(len(line["x"]) >= 300 for line in curves["lines"])
    page = Parsed(html)
    assert any("of 128,000 points are drawn" in text for text in page.texts("p"))
    assert len(page.texts("img")) == 3 and any("Not shown" in text for text in page.texts("p"))


def test_from_python_is_the_same_page(sweep: Path, tmp_path: Path) -> None:
    linnet.compare(sweep).report(tmp_path / "runs.html")
    assert (tmp_path / "runs.html").read_text(encoding="utf-8") == page_of(sweep)


def test_no_manifest_says_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    (make_run("0", {"optimizer.lr": 1}) / "manifest.json").write_text(json.dumps(3))
    make_run("1", {"optimizer.lr": 2}, 1.0)
    check(page_of(tmp_path / "sweep"))
