"""A run reproduced: as it is, with other threads, and under the conditions that let it be compared at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from recorded_files import edit_yaml

from linnet.cli import main as cli
from linnet.reproduction import run as again
from linnet.reproduction.run import reproduce_run
from linnet.system.reading import read_json
from linnet.tracking import manifest


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def off_by(error: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fresh runs learn a little faster than their configuration says."""
    run_again = again.run_again

    def faster(saved, directory):
        optimizer = saved.config["optimizer"]
        config = {**saved.config, "optimizer": {**optimizer, "lr": optimizer["lr"] * (1 + error)}}
        return run_again(replace(saved, config=config), directory)

    monkeypatch.setattr(again, "run_again", faster)


def copy_run(source: Path, destination: Path) -> None:
    shutil.copytree(source, destination, dirs_exist_ok=True)


class TestFreshRun:
    def test_is_identical_and_leaves_the_other_alone(self, run, answer):
        before = contents(run)
        code, output, errors = answer(run)
        assert (code, errors) == (0, "")
        assert output.splitlines()[-1] == "identical"
        assert "environment" not in output and "fault" not in output
        assert contents(run) == before

    def test_every_figure_is_compared(self, run):
        report = reproduce_run(run)
        names = {figure.name for figure in report.figures}
        assert names == {"state", "epoch", "step", "kept_epoch", "weights", "history", *read_json(run / "metrics.json")}
        assert {figure.verdict for figure in report.figures} == {"identical"}

    def test_lies_below_the_current_directory_in_a_place_of_its_own(self, run, answer):
        for _ in range(2):
            answer(run)
        made = sorted(Path("runs/reproduced").iterdir())
        assert len(made) == 2
        assert all(read_json(path / "status.json")["state"] == "completed" for path in made)

    def test_goes_where_it_is_told(self, run, answer):
        code, output, _ = answer(run, "--dir", "there/it/is")
        assert code == 0
        assert "there/it/is" in output
        assert (Path("there/it/is") / "metrics.json").read_bytes() == (run / "metrics.json").read_bytes()

    def test_is_a_run_like_any_other(self, run, answer, capsys, one_thread):
        fresh = reproduce_run(run, place=Path("fresh")).directory
        assert cli.run(["evaluate", "fresh", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == read_json(run / "metrics.json")
        assert cli.run(["compare", "fresh", str(run), "--no-figures"]) == 0
        assert "2 runs, 1 settings" in capsys.readouterr().out
        assert cli.run(["resume", "fresh"]) == 0
        assert "epoch 1/1" in (fresh / "train.log").read_text(encoding="utf-8")
        assert reproduce_run(fresh).verdict == "identical"

    def test_has_the_identity_of_the_other(self, run):
        fresh = reproduce_run(run).directory
        hashes = [read_json(path / "manifest.json")["config_sha256"] for path in (run, fresh)]
        assert hashes[0] == hashes[1]

    def test_of_a_diverged_run_diverges_at_the_same_step(self, wild, edit, answer):
        report = reproduce_run(wild)
        assert report.verdict == "identical"
        assert [figure.name for figure in report.figures] == ["state", "step", "history"]
        edit(wild / "status.json", step=read_json(wild / "status.json")["step"] + 1)
        code, output, _ = answer(wild)
        assert code == 1
        assert output.splitlines()[-1] == "different: step"

    def test_of_a_run_that_should_have_diverged(self, run, edit):
        edit(run / "status.json", state="diverged")
        assert "state" in reproduce_run(run).different


class TestThreads:
    def test_are_named_and_make_no_more_than_rounding(self, run, answer):
        code, output, _ = answer(run, "--threads", "2")
        assert code == 0
        assert "threads: 1 recorded, 2 here" in output
        assert f"`linnet reproduce {run} --threads 1` asks for as many threads" in output
        assert output.splitlines()[-1] in ("identical", "within tolerance")

    def test_are_what_torch_had_before_once_it_is_over(self, run):
        before = torch.get_num_threads()
        report = reproduce_run(run, place=Path("fresh"), threads=before + 1)
        assert torch.get_num_threads() == before
        assert read_json(report.directory / "manifest.json")["threads"] == before + 1
        assert f"threads={before + 1}" in Path("fresh/.hydra/overrides.yaml").read_text()
        assert "threads=1" not in Path("fresh/.hydra/overrides.yaml").read_text()
        assert reproduce_run(Path("fresh")).verdict == "identical"


class TestConfiguration:
    def test_is_the_one_that_lies_there(self, run):
        edit_yaml(run / ".hydra/config.yaml", "lr: 0.1", "lr: 0.2")
        report = reproduce_run(run)
        assert read_json(report.directory / "manifest.json")["config"]["optimizer"]["lr"] == 0.2
        assert {".hydra/config.yaml", "weights", "history"} <= set(report.different)


class TestEnvironment:
    def test_without_a_difference_allows_none(self, run, monkeypatch, answer):
        off_by(1e-6, monkeypatch)
        code, output, _ = answer(run)
        assert code == 1
        assert "no difference, so every bit is to be the same" in output
        assert output.splitlines()[-1].startswith("different: weights, history, train/loss")

    @pytest.mark.parametrize(("error", "verdict"), [(1e-5, "within tolerance"), (1e-2, "different")])
    def test_with_a_difference_allows_rounding_and_no_more(self, error, verdict, run, edit, monkeypatch):
        edit(run / "manifest.json", cpu="another")
        off_by(error, monkeypatch)
        first = reproduce_run(run)
        assert first.verdict == verdict
        names = {figure.name for figure in first.figures if figure.verdict == verdict}
        assert names >= {"weights", "history", "train/loss"}

        monkeypatch.setattr(again, "run_again", lambda saved, directory: copy_run(first.directory, directory))
        assert reproduce_run(run, tolerance=0.0).verdict == "different"
        assert reproduce_run(run, tolerance=0.1).verdict == "within tolerance"

    def test_is_named_line_by_line(self, run, edit, answer):
        packages = {**read_json(run / "manifest.json")["packages"], "torch": "1.0"}
        edit(run / "manifest.json", cpu_capability="AVX3", packages=packages, python=None)
        code, output, _ = answer(run)
        assert code == 0  # whatever is different did not matter
        here = read_json(next(Path("runs/reproduced").iterdir()) / "manifest.json")
        assert f"CPU capability: AVX3 recorded, {here['cpu_capability']} here" in output
        assert f"torch: 1.0 recorded, {here['packages']['torch']} here" in output
        assert f"python: none recorded, {here['python']} here" in output

    def test_of_the_data_is_a_fault(self, run, edit, answer):
        edit(run / "manifest.json", data_checksum="0" * 64)
        code, output, _ = answer(run)
        assert code == 1
        here = read_json(next(Path("runs/reproduced").iterdir()) / "manifest.json")
        assert f"data checksum: 000000000000 recorded, {here['data_checksum'][:12]} here" in output

    def test_includes_uncommitted_changes(self, run, monkeypatch):
        (run / "uncommitted.diff").write_text("- lr = 1\n")
        monkeypatch.setattr(manifest, "git_state", lambda folder: {"commit": "c" * 40, "dirty": True})
        report = reproduce_run(run)
        assert set(report.environment) == {"git.commit", "git.dirty", "changes"}

    def test_includes_those_of_a_resumption(self, run, edit):
        edit(run / "manifest.json", resumed=[{"step": 3, "differs": {"threads": [2, 1]}}])
        report = reproduce_run(run)
        assert report.environment == {"resumed": ["in another environment (threads: 2, then 1)", "in one go"]}

    def test_cannot_promise_bits_of_another_accelerator(self, run):
        edit_yaml(run / ".hydra/config.yaml", "accelerator: cpu", "accelerator: auto")
        assert "trainer.accelerator" in reproduce_run(run).environment

    def test_of_other_code_may_have_more_figures(self, run, edit):
        edit(run / "metrics.json", **{"test/accuracy": None})
        edit(run / "manifest.json", files_sha256=None)
        assert reproduce_run(run).different == ["test/accuracy"]
        edit(run / "manifest.json", linnet="0.0.1")
        report = reproduce_run(run)
        assert report.verdict == "identical"
        assert [figure.name for figure in report.figures if figure.verdict == "not recorded"] == ["test/accuracy"]

    def test_does_not_take_over_the_terminal(self, run, edit, answer):
        edit(run / "manifest.json", platform="\x1b[2J[bold]\n" + "x" * 1000)
        _, output, _ = answer(run)
        assert "\x1b" not in output
        assert "platform: �[2J[bold]�xxx" in output
        assert "x" * 100 not in output


class TestJson:
    def test_is_the_whole_report(self, run, edit, answer):
        edit(run / "manifest.json", threads=3)
        code, output, errors = answer(run, "--json")
        report = json.loads(output)
        assert (code, errors) == (0, "")
        assert report["environment"]["threads"] == {"recorded": 3, "here": 1}
        assert report["different"] == [] and report["faults"] == {}
        figures = {figure["name"]: figure for figure in report["figures"]}
        assert figures["test/accuracy"]["recorded"] == read_json(run / "metrics.json")["test/accuracy"]
        assert (Path(report["directory"]) / "metrics.json").is_file()
