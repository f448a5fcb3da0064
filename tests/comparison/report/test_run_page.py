"""The page of one run: its numbers are those of its files."""

import base64
import csv
import json
import shlex
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import PICTURE, SCRIPT, Parsed, charts, check

import linnet
from linnet.comparison.report.page import render
from linnet.comparison.report.runs_page import runs_page
from linnet.comparison.runs import read_run
from linnet.system.errors import InputError


def page_of(path: Path) -> str:
    return render(runs_page([read_run(path)]))


@pytest.fixture(scope="module")
def html(folds: Path) -> str:
    return page_of(folds)


@pytest.fixture(scope="module")
def page(html: str) -> Parsed:
    return check(html)


def test_what_was_asked(page: Parsed) -> None:
    assert page.rows("differ from their defaults")[1:] == [
        ["data", "diabetes", "digits"], ["resampling", "kfold", "none"],
        ["model", "linear_regression", "softmax_regression"], ["loss", "squared_error", "cross_entropy"],
        ["objective.metric", "cv/loss", "val/loss"],
        ["optimizer.lr", "0.3", "0.1"], ["trainer.max_epochs", "3", "20"], ["data.val_fraction", "0", "0.2"],
    ]  # fmt: skip
    assert "of June" in page.texts("p") and "paper" in page.texts("p")


def test_metrics_have_their_intervals(page: Parsed, folds: Path) -> None:
    metrics = json.loads((folds / "metrics.json").read_text())
    rows = {row[0]: row for row in page.rows("Final metrics")}
    assert rows["metric"] == ["metric", "train", "cv", "test", "95 % of test"]
    low, high = metrics["test/r2_ci95_low"], metrics["test/r2_ci95_high"]
    cv = f"{metrics['cv/r2']:.4g} ± {metrics['cv/r2_se']:.2g}"
    assert rows["r2"][1:] == [f"{metrics['train/r2']:.4g}", cv, f"{metrics['test/r2']:.4g}", f"{low:.4g} … {high:.4g}"]
    coefficients = {row[0]: row[1:] for row in page.rows("Coefficients of the optimum")}
    assert float(coefficients["bmi"][0]) == pytest.approx(metrics["optimum/coefficient/bmi"], rel=5e-4)


def test_the_gap_is_that_of_the_objectives(page: Parsed, folds: Path) -> None:
    metrics = json.loads((folds / "metrics.json").read_text())
    gap = metrics["train/objective"] - metrics["optimum/loss"]
    (line,) = (text for text in page.texts("p") if "above its optimum" in text)
    assert float(line.split("ended ")[1].split()[0]) == pytest.approx(gap, rel=1e-3)
    assert f"{gap / metrics['optimum/loss']:.2%}".replace("%", " %") in line


def test_curves_are_the_logged_points(html: str, folds: Path) -> None:
    with (folds / "history.csv").open() as file:
        logged = [(row["metric"], int(row["step"]), float(row["value"])) for row in csv.DictReader(file)]
    drawn = {line["name"]: line for chart in charts(html) for line in chart["lines"]}
    for name, shown in (
        ("cv/loss", "cv/loss"),
        ("train/loss", "train/loss of each minibatch"),
        ("optimum/gap", "optimum/gap"),
    ):
        points = [(step, value) for metric, step, value in logged if metric == name]
        assert drawn[shown]["x"] == [step for step, _ in points]
        assert drawn[shown]["y"] == pytest.approx([value for _, value in points], rel=5e-6)


def test_folds_are_those_of_the_metrics(page: Parsed, html: str, folds: Path) -> None:
    metrics = json.loads((folds / "metrics.json").read_text())
    (chart,) = (chart for chart in charts(html) if chart["title"] == "cv/loss of each resample")
    assert chart["lines"][0]["y"] == pytest.approx([metrics[f"cv/loss_fold_{k}"] for k in range(5)], rel=5e-6)
    assert len(page.rows("Metrics on the examples that each resample leaves out")) == 6


def test_the_command_makes_the_same_configuration(
    page: Parsed, folds: Path, checked: Callable[..., dict[str, Any]]
) -> None:
    recorded = json.loads((folds / "manifest.json").read_text())["config"]
    (line,) = (line for line in page.texts("code") if line.startswith("linnet train "))
    besides = ("name", "tags", "notes", "figures")
    again = checked(*shlex.split(line)[2:])
    assert {key: again[key] for key in again if key not in besides} == {
        key: recorded[key] for key in recorded if key not in besides
    }
    assert f"linnet reproduce {folds}" in page.texts("code")


def test_provenance_is_that_of_the_manifest(page: Parsed, folds: Path) -> None:
    manifest = json.loads((folds / "manifest.json").read_text())
    for value in (manifest["packages"]["torch"], manifest["weights_sha256"][:12], manifest["data_checksum"][:12]):
        assert value in page.texts("td")


def test_from_python_is_the_same_page(folds: Path, html: str, tmp_path: Path) -> None:
    linnet.load(folds).report(tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text(encoding="utf-8") == html
    untracked = linnet.train(["trainer.max_epochs=1"], tracked=False, quiet=True)
    with pytest.raises(InputError, match="not tracked has no files"):
        untracked.report(tmp_path / "none.html")


def picture(width: int = 1, height: int = 1) -> bytes:
    """A PNG file of black pixels, as far as its header says."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def test_figures_that_are_no_pictures_are_named(folds: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(folds, tmp_path / "run"))
    (run / "figures").mkdir()
    (run / "figures" / "residuals.png").write_bytes(picture())
    (run / "figures" / "large.png").write_bytes(picture(2**31 - 1, 2**31 - 1))
    (run / "figures" / f"{PICTURE.replace('/', '')}.png").write_bytes(b"<svg onload=alert(1)>")
    (run / "figures" / "secret.png").symlink_to("/etc/hostname")
    page = check(page_of(run))
    (found,) = (attrs for name, attrs, _ in page.elements if name == "img")
    assert base64.b64decode(found["src"].partition(",")[2]) == picture()
    assert found["alt"].startswith("Residuals against predictions")
    (line,) = (text for text in page.texts("p") if text.startswith("Not shown"))
    assert "large.png" in line and PICTURE in line and "secret.png" in line


def test_what_strangers_wrote_is_shown_and_nothing_else(folds: Path, tmp_path: Path) -> None:
    """Every text of a run's files is replaced; the page has no command but linnet's own."""
    run = Path(shutil.copytree(folds, tmp_path / "run"))
    bad = SCRIPT + PICTURE
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["config"] |= {"notes": bad, "tags": [bad], "name": bad, "objective": {"metric": bad}}
    manifest["config"]["data"][bad] = "x; rm -rf ~ $(reboot)"
    manifest |= {
        "command": ["rm", "-rf", "~"],
        "cpu": bad,
        "packages": {bad: bad},
        "git": {"commit": bad},
        "python": bad,
    }
    manifest["choices"] |= {"data": bad, "loss": bad}
    del manifest["manifest_sha256"], manifest["files_sha256"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    (run / "metrics.json").write_text(json.dumps({"val/loss": 1.0, f"optimum/coefficient/{bad}": 2.0, bad: 3.0}))
    (run / "status.json").write_text(json.dumps({"state": "failed", "error": bad}))
    (run / ".hydra" / "overrides.yaml").write_text(json.dumps([f"data.target={bad}", "$(reboot)=1", "--trust=./x.py"]))
    (run / "history.csv").write_text(
        "metric,step,value\n" + "".join(f'"val/{bad}",{step},0.5\n' for step in range(1, 5))
    )
    html = page_of(run)
    page = check(html)
    assert page.text.count(SCRIPT) >= 8 and len(page.texts("script")) == 3
    (command,) = (line for line in page.texts("code") if line.startswith("linnet train"))
    words = shlex.split(command)
    assert words[:2] == ["linnet", "train"] and any("x; rm -rf ~ $(reboot)" in word for word in words)
    assert all("=" in word and not word.startswith("-") for word in words[2:])


def test_intervals_of_a_bootstrap(make_run: Callable[..., Path]) -> None:
    ends = {"percentile_low": 1.5, "percentile_high": 4.25, "bca_low": 1.0}  # one is withheld
    metrics = {f"bootstrap/{end}/bmi": value for end, value in ends.items()}
    metrics |= {f"bootstrap/test/{end}/mse": 10 * value for end, value in ends.items()}
    metrics |= {f"cv/loss_fold_{k}": float(k) for k in range(30)}
    html = page_of(make_run("0", {}, metrics={"cv/loss": 14.5, **metrics}, choices={"resampling": "bootstrap"}))
    page = check(html)
    assert page.rows("bootstrap, of coefficients")[1] == ["bmi", "1.5", "4.25", "1", ""]
    assert page.rows("bootstrap, of test metrics")[1] == ["mse", "15", "42.5", "10", ""]
    assert "Bootstrap samples" in page.texts("h2") and charts(html)[0]["lines"][0]["y"] == list(range(30))


@pytest.mark.parametrize(
    "content", [b"", b"metric,step,value\nval/loss,x,1\n", b"metric,step,value\nval/loss,1,\xff\n", b"\0" * 99]
)
def test_a_damaged_history_is_named(folds: Path, tmp_path: Path, content: bytes) -> None:
    run = Path(shutil.copytree(folds, tmp_path / "run"))
    (run / "history.csv").write_bytes(content)
    assert any(text.startswith("No curves: ") for text in check(page_of(run)).texts("p"))


@pytest.mark.parametrize("name", ["status.json", "manifest.json", "metrics.json", "history.csv"])
@pytest.mark.parametrize("content", [None, "[]", '{"config": 3, "choices": [1], "packages": 7, "git": "x", "tags": 1}'])
def test_a_page_is_made_of_what_is_left(folds: Path, tmp_path: Path, name: str, content: str | None) -> None:
    run = Path(shutil.copytree(folds, tmp_path / "run"))
    (run / name).unlink() if content is None else (run / name).write_text(content)
    assert "Provenance" in check(page_of(run)).texts("h2")
