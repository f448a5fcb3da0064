"""A sweep as its user sees it: jobs, their directories, restarts, changed grids, failures and the exit code."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linnet.cli import main as cli
from linnet.models.running_metrics import RunningMetrics
from linnet.system.reading import read_json
from linnet.tracking.directory import RunDirectory

QUICK = ["trainer.max_epochs=1", "optimizer.lr=0.1,0.2", "seed=0,1"]


def sweep(folder: Path, *overrides: str) -> int:
    return cli.run(["train", "-m", f"hydra.sweep.dir={folder}", *overrides])


def hashes(folder: Path) -> dict[str, str]:
    """Identity -> hash of the final weights, of every completed job."""
    jobs = read_json(folder / "ledger.json")["jobs"]
    return {
        job["identity"]: read_json(folder / str(job["number"]) / "manifest.json")["weights_sha256"]
        for job in jobs
        if read_json(folder / str(job["number"]) / "status.json")["state"] == "completed"
    }


def started(folder: Path) -> dict[str, str]:
    """Directory -> when the run in it began."""
    return {path.parent.name: read_json(path)["started"] for path in folder.glob("*/status.json")}


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of four jobs. Not to be changed."""
    folder = tmp_path_factory.mktemp("completed")
    assert sweep(folder, *QUICK) == 0
    return folder


@pytest.fixture
def copied(completed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(completed, tmp_path / "sweep")


class TestGrid:
    def test_every_combination_in_a_directory_named_by_its_number(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert sweep(tmp_path, *QUICK) == 0
        found = {}
        for number in range(4):
            config = read_json(tmp_path / str(number) / "manifest.json")["config"]
            found[number] = (config["optimizer"]["lr"], config["seed"])
            assert (
                f"optimizer.lr={config['optimizer']['lr']}"
                in (tmp_path / str(number) / ".hydra/overrides.yaml").read_text()
            )
        assert found == {0: (0.1, 0), 1: (0.1, 1), 2: (0.2, 0), 3: (0.2, 1)}
        printed = capsys.readouterr().out
        assert "4 jobs: 4 completed" in printed
        assert (
            sum(line.startswith("job ") and "val/loss" in line and "to go" in line for line in printed.splitlines())
            == 4
        )

    def test_a_single_run_of_the_same_configuration_gives_the_same_weights(
        self, completed: Path, tmp_path: Path
    ) -> None:
        alone = ("figures=false", "trainer.max_epochs=1", "optimizer.lr=0.2", "seed=1")
        assert cli.run(["train", *alone, f"hydra.run.dir={tmp_path}"]) == 0
        one, job = (read_json(path / "manifest.json") for path in (tmp_path, completed / "3"))
        assert one["weights_sha256"] == job["weights_sha256"]
        assert one["config_sha256"] == job["config_sha256"]

    @pytest.mark.parametrize(
        ("words", "values"), [("range(0.1,0.4,0.1)", [0.1, 0.2, 0.3]), ("choice(0.1,0.3)", [0.1, 0.3])]
    )
    def test_range_and_choice(self, words: str, values: list[float], tmp_path: Path) -> None:
        assert sweep(tmp_path, "trainer.max_epochs=1", f"optimizer.lr={words}") == 0
        rates = [
            read_json(tmp_path / str(k) / "manifest.json")["config"]["optimizer"]["lr"] for k in range(len(values))
        ]
        assert rates == pytest.approx(values)

    def test_glob_over_options(self, tmp_path: Path) -> None:
        assert sweep(tmp_path, "trainer.max_epochs=1", "schedule=glob(*)") == 0
        chosen = {read_json(path)["choices"]["schedule"] for path in tmp_path.glob("*/manifest.json")}
        assert chosen == {"constant", "cosine", "step"}

    def test_figures_only_where_asked_for(self, tmp_path: Path) -> None:
        sweep(tmp_path / "without", "trainer.max_epochs=1", "seed=0")
        sweep(tmp_path / "with", "trainer.max_epochs=1", "seed=0", "figures=true")
        assert not (tmp_path / "without/0/figures").exists()
        assert list((tmp_path / "with/0/figures").glob("*.png"))

    def test_one_wrong_value_and_nothing_runs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep(tmp_path / "sweep", "optimizer.lr=0.1,-1") == 2
        assert capsys.readouterr().err == "linnet: optimizer.lr=-1: expected a number in (0, inf), got -1\n"
        assert not (tmp_path / "sweep").exists()

    @pytest.mark.parametrize("values", ["0.1", "0.1,0.2"])
    @pytest.mark.parametrize("others", [["seed=0,1"], ["penalty=none,l2", "seed=range(3)"]])
    def test_a_key_that_does_not_exist(
        self, values: str, others: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = [f"optimizer.lrr={values}", *others, f"hydra.sweep.dir={tmp_path / 'x'}"]
        assert cli.run(["train", "-m", *words]) == 2
        assert "optimizer.lrr: no such key, did you mean optimizer.lr?" in capsys.readouterr().err
        assert not (tmp_path / "x").exists()

    def test_an_interval_needs_a_search(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep(tmp_path / "sweep", "optimizer.lr=interval(0.1,1)") == 2
        assert "search=optuna" in capsys.readouterr().err


class TestRestart:
    def test_completed_jobs_are_kept_untouched(self, copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = started(copied)
        assert sweep(copied, *QUICK) == 0
        assert started(copied) == before
        assert "4 of them finished before" in capsys.readouterr().out

    def test_a_changed_grid_keeps_what_it_knows_and_adds_the_rest(self, copied: Path) -> None:
        before, weights = started(copied), hashes(copied)
        assert sweep(copied, "trainer.max_epochs=1", "optimizer.lr=0.05,0.2", "seed=0,1") == 0
        after = started(copied)
        assert {name: after[name] for name in before} == before
        assert sorted(set(after) - set(before), key=int) == ["4", "5"]
        assert hashes(copied).items() >= weights.items()

    def test_failed_and_half_done_jobs_are_run_again(self, copied: Path) -> None:
        before, weights = started(copied), hashes(copied)
        for number, state in (("1", "failed"), ("2", "running"), ("3", "interrupted")):
            status = read_json(copied / number / "status.json")
            (copied / number / "status.json").write_text(json.dumps({**status, "state": state}))
        assert sweep(copied, *QUICK) == 0
        after = started(copied)
        assert [name for name in sorted(before) if after[name] != before[name]] == ["1", "2", "3"]
        assert hashes(copied) == weights

    def test_sigkill_in_the_middle_then_the_same_command(self, tmp_path: Path) -> None:
        grid = ["trainer.max_epochs=2", "optimizer.lr=0.1,0.2,0.3,0.5", "seed=0,1", "threads=1"]
        assert sweep(tmp_path / "whole", *grid) == 0
        command = [sys.executable, "-m", "linnet", "train", "-m", f"hydra.sweep.dir={tmp_path / 'killed'}", *grid]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            until = time.monotonic() + 120
            while len(list((tmp_path / "killed").glob("*/metrics.json"))) < 2 and time.monotonic() < until:
                time.sleep(0.02)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        done = {path.parent.name: path.stat().st_mtime_ns for path in (tmp_path / "killed").glob("*/metrics.json")}
        assert 2 <= len(done) < 8
        assert sweep(tmp_path / "killed", *grid) == 0
        again = {name: (tmp_path / "killed" / name / "metrics.json").stat().st_mtime_ns for name in done}
        completed = {
            name for name in done if read_json(tmp_path / "killed" / name / "status.json")["state"] == "completed"
        }
        assert sum(again[name] != done[name] for name in completed) <= 1  # one may have been cut before its status
        assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")
        assert len(hashes(tmp_path / "whole")) == 8

    def test_a_job_that_a_worker_is_still_at_is_left_alone(
        self, copied: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (copied / "1" / "status.json").unlink()
        with RunDirectory(copied / "1"):
            assert sweep(copied, *QUICK) == 2
            assert "1: another process is at work on this job" in capsys.readouterr().err
        assert (copied / "1" / "weights.safetensors").exists()


class TestFailure:
    def test_diverged_and_failed_jobs_are_results_and_the_others_go_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from linnet.models import LinearRegression

        original = LinearRegression.new_metrics

        def broken(self: LinearRegression, *given: int) -> RunningMetrics:
            if float(self.optimizer.lr) == 0.02:
                raise RuntimeError("a planted fault")
            return original(self, *given)

        monkeypatch.setattr(LinearRegression, "new_metrics", broken)
        rates = "optimizer.lr=0.01,1e6,0.02,0.03"
        assert sweep(tmp_path, "data=synthetic_regression", "trainer.max_epochs=1", rates) == 1
        states = [read_json(tmp_path / str(number) / "status.json") for number in range(4)]
        assert [status["state"] for status in states] == ["completed", "diverged", "failed", "completed"]
        assert "became inf" in states[1]["error"] and states[2]["error"] == "RuntimeError: a planted fault"
        assert "a planted fault" in (tmp_path / "2" / "train.log").read_text()
        printed = capsys.readouterr().out
        assert "job 1 optimizer.lr=1000000.0: diverged" in printed
        assert "job 2 optimizer.lr=0.02: failed: RuntimeError: a planted fault" in printed
        assert "best by val/loss: job 3" in printed

    def test_ctrl_c_writes_the_summary_and_says_how_to_go_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from linnet.models import SoftmaxRegression

        def interrupt(self: SoftmaxRegression, *given: int) -> RunningMetrics:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(SoftmaxRegression, "new_metrics", interrupt)
            assert sweep(tmp_path, *QUICK) == 130
        printed = capsys.readouterr().out
        assert read_json(tmp_path / "0" / "status.json")["state"] == "interrupted"
        assert "4 jobs: 1 interrupted, 3 not run" in printed
        (line,) = [line for line in printed.splitlines() if line.startswith("go on")]
        assert "optimizer.lr=0.1,0.2" in line and "hydra.sweep.dir=" in line
        assert sweep(tmp_path, *QUICK) == 0
