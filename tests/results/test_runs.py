"""Many runs as one object, from folders that anybody may have written."""

import json
from pathlib import Path
from typing import Any

import pytest

import linnet

SCRIPT = "<script>alert(1)</script>"


def write_run(
    path: Path, lr: object, loss: float | None, seed: int = 0, state: str = "completed", **config: Any
) -> Path:
    """Write the small files of a run; None: it has no metrics."""
    (path / ".hydra").mkdir(parents=True)
    (path / ".hydra" / "overrides.yaml").write_text(json.dumps([f"optimizer.lr={lr}", f"seed={seed}"]))
    status = {"state": state, "seconds": 1.5, **({"error": f"stopped by {SCRIPT}"} if state == "failed" else {})}
    (path / "status.json").write_text(json.dumps(status))
    objective = {"objective": {"metric": "val/loss"}, "seed": seed, "optimizer": {"lr": lr}, **config}
    (path / "manifest.json").write_text(json.dumps({"config": objective, "choices": {"data": "digits"}}))
    if loss is not None:
        metrics = {"val/loss": loss, "val/accuracy": 1 - loss, "test/loss": 2 * loss}
        (path / "metrics.json").write_text(json.dumps(metrics))
    points = "".join(f"val/loss,{step},{(loss or 1) + 1 / step}\n" for step in range(1, 9))
    (path / "history.csv").write_text("metric,step,value\n" + points)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two settings with two seeds each, and one run that failed."""
    for number, (lr, loss, seed) in enumerate([(0.1, 0.5, 0), (0.1, 0.3, 1), (0.01, 0.2, 0), (0.01, 0.8, 1)]):
        write_run(tmp_path / "runs" / str(number), lr, loss, seed, tags=["paper"] if seed else [])
    write_run(tmp_path / "runs" / "10", SCRIPT, None, state="failed")
    return tmp_path / "runs"


class TestCompared:
    def test_frame_has_one_row_per_run_and_best_settings_first(self, folder: Path) -> None:
        runs = linnet.compare(folder)
        frame = runs.frame
        assert frame["run"].tolist() == [str(folder / name) for name in ("0", "1", "2", "3", "10")]
        assert frame["optimizer.lr"].tolist() == [0.1, 0.1, 0.01, 0.01, SCRIPT]
        assert frame["val/loss"].tolist()[:4] == [0.5, 0.3, 0.2, 0.8] and frame["val/loss"].isna().tolist()[4]
        assert frame["state"].tolist() == ["completed"] * 4 + ["failed"] and frame["error"][4].startswith("stopped by")
        assert frame.groupby("optimizer.lr", sort=False)["val/loss"].mean().idxmin() == 0.1  # and not the least of all
        assert len(runs) == 5 and repr(runs).startswith(
            "<Runs 5 runs, 3 settings: chosen by val/loss: optimizer.lr=0.1"
        )

    def test_metric_and_tags_choose(self, folder: Path) -> None:
        assert linnet.compare(folder, tags=["paper"]).frame["seed"].tolist() == [1, 1]
        assert linnet.compare(folder, metric="val/accuracy").frame["run"][0] == str(folder / "0")
        for wanted, message in (({"tags": ["no"]}, "no run has the tags no"), ({"metric": "x"}, "--metric x: no run")):
            with pytest.raises(linnet.InputError, match=message):
                linnet.compare(folder, **wanted)
        with pytest.raises(linnet.InputError, match="is no directory"):
            linnet.compare(folder / "nothing")
        with pytest.raises(linnet.InputError, match="give at least one"):
            linnet.compare()

    def test_without_a_completed_run_there_is_no_best(self, tmp_path: Path) -> None:
        write_run(tmp_path / "a", 0.1, None, state="failed")
        runs = linnet.compare(tmp_path)
        with pytest.raises(linnet.InputError, match="has completed with val/loss: failed: all runs: stopped"):
            _ = runs.best
        with pytest.raises(linnet.InputError, match="no settings that vary"):
            runs.plot()
        assert "stopped by" in repr(runs) and "<script" not in runs._repr_html_()

    def test_figures_are_those_of_the_command(self, folder: Path) -> None:
        (folder / "10" / "status.json").write_text('{"state": "running"}')
        runs = linnet.compare(folder)
        assert list(runs.figures) == ["learning_curves"]  # a text among the learning rates is on no axis
        assert runs.plot("learning_curves")._repr_png_() == runs.plot().png
        with pytest.raises(linnet.InputError, match="no such figure; choose from: learning_curves"):
            runs.plot("x")

    def test_html_marks_the_best_and_has_no_markup_of_others(self, folder: Path) -> None:
        page = linnet.compare(folder)._repr_html_()
        bold = [row for row in page.split("<tr>") if "font-weight:600" in row and "<td" in row]
        assert len(bold) == 1 and "0.4000 ± 0.1414 (2)" in bold[0]
        assert "&lt;script&gt;" in page and page.count("<polyline") == 5
        assert not any(markup in page for markup in ("<script", "http", "href", "src=", "<style", "onerror"))

    def test_runs_may_be_given_themselves(self, folder: Path) -> None:
        runs = linnet.compare(folder)
        assert linnet.compare(runs, folder / "0").frame["run"].tolist() == runs.frame["run"].tolist()


class TestOpened:
    def test_all_that_a_pattern_matches(self, folder: Path) -> None:
        one = linnet.open_runs(folder / "[0-3]")
        assert len(one) == 4 and one.skipped == ()
        (folder / "2" / "status.json").unlink()  # a run still, and not left out
        (folder / "comparison" / "tensorboard").mkdir(parents=True)
        (folder / "comparison" / "figures.json").write_text("[]")
        (folder / "3" / "checkpoints").mkdir()
        for pattern in (folder, folder / "**", folder.parent / "**", folder / "*"):
            assert linnet.open_runs(pattern).frame["state"].value_counts().to_dict() == {
                "completed": 3, "unknown": 1, "failed": 1,
            }  # fmt: skip

    def test_folders_without_a_run_are_named(self, folder: Path) -> None:
        (folder / "empty").mkdir()
        with pytest.warns(UserWarning, match=r"1 folder that .* matches hold no run: .*empty"):
            runs = linnet.open_runs(folder / "*")
        assert runs.skipped == (folder / "empty",)
        assert "1 folder without a run" in repr(runs) and "1 folder without a run" in runs._repr_html_()

    def test_nothing_is_an_error(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "none").mkdir()
        for pattern, message in (("nothing*", "no folder matches"), ("none", "no run below what matches")):
            with pytest.raises(linnet.InputError, match=message):
                linnet.open_runs(tmp_path / pattern)
