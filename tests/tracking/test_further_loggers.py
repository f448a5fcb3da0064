"""Loggers besides TensorBoard: what they hold agrees with history.csv and metrics.json, and none stops a run."""

import csv
import signal
import subprocess
import time
from pathlib import Path

import pytest
from interrupted_run import BLOBS, N_STEPS, interrupt, resume, train as train_blobs, words
from run_directory import SHORT, events, files, train, weights_sha256

import linnet
from linnet.config.identity import config_hash
from linnet.config.skeleton import skeleton
from linnet.sweeps.grouping import reason_alone
from linnet.system.reading import read_json
from linnet.tracking import read_history
from linnet.tracking.loggers import fan_out
from linnet.tracking.loggers.csv_file import CSVFile
from linnet.tracking.loggers.fan_out import SECONDS_TO_ANSWER


def rows(directory: Path) -> list[dict[str, float]]:
    """The rows of csv/metrics.csv, each without its empty cells."""
    with (directory / "csv" / "metrics.csv").open(newline="") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


class TestCSV:
    def test_has_the_points_of_history_at_the_end_of_each_epoch_and_then_the_final_metrics(self, tmp_path):
        run = train(tmp_path / "run", "logger=csv", "trainer.max_epochs=3", "figures=false")
        *epochs, last = rows(run.directory)
        per_epoch = set(read_history(run.directory / "history.csv")["train/loss_epoch"].step)
        assert {row["step"] for row in epochs} == per_epoch and len(epochs) == 3
        for row in epochs:
            at_its_end = {
                name: dict(zip(*curve, strict=True))[row["step"]]
                for name, curve in run.curves.items()
                if row["step"] in curve.step
            }
            assert row == {"step": row["step"], **at_its_end}
        final = {key.removesuffix("_final"): value for key, value in last.items() if key != "step"}
        assert final == {key: value for key, value in run.metrics.items() if key.count("/") == 1}
        assert {key for key in last if key.endswith("_final")} == {f"{key}_final" for key in final if key in epochs[0]}

    def test_leaves_all_else_as_it_is(self, tmp_path):
        plain, logged = (train(tmp_path / name, f"logger={name}", *SHORT).directory for name in ("tensorboard", "csv"))
        assert files(logged) - files(plain) == {"csv/metrics.csv", "csv/hparams.yaml"}
        assert files(plain) <= files(logged)
        assert weights_sha256(plain) == weights_sha256(logged)
        assert events(plain).Tags()["scalars"] == events(logged).Tags()["scalars"]
        hashes = [read_json(path / "manifest.json")["config_sha256"] for path in (plain, logged)]
        assert hashes[0] == hashes[1]

    def test_of_a_resumed_run_is_that_of_an_uninterrupted_one(self, tmp_path):
        assert train_blobs(tmp_path / "whole", "logger=csv", *BLOBS) == 0
        interrupt(tmp_path / "run", N_STEPS + 5, "logger=csv", *BLOBS)
        assert len(rows(tmp_path / "run")) == 1
        assert resume(tmp_path / "run") == 0
        for name in ("metrics.csv", "hparams.yaml"):
            assert (tmp_path / "run/csv" / name).read_text() == (tmp_path / "whole/csv" / name).read_text()


class TestFailing:
    @pytest.mark.parametrize("method", ["open", "log_epochs", "log_result", "close"])
    def test_costs_the_run_that_logger_only_and_one_warning_without_a_password(self, tmp_path, monkeypatch, method):
        def fail(*_: object) -> None:
            raise ConnectionError("no answer from http://me:secret@host/api")

        monkeypatch.setattr(CSVFile, method, fail)
        run = train(tmp_path / "run", "logger=csv", *SHORT)
        assert read_json(run.directory / "status.json")["state"] == "completed"
        warned = [line for line in (run.directory / "train.log").read_text().splitlines() if "WARNING" in line]
        said = "logger=csv failed, and is left out from here on: ConnectionError: no answer from http://host/api"
        assert len(warned) == 1 and warned[0].endswith(said)

    @pytest.mark.parametrize("method", ["open", "log_epochs", "log_result", "close"])
    def test_that_does_not_answer_is_left_out(self, tmp_path, monkeypatch, method):
        monkeypatch.setitem(SECONDS_TO_ANSWER, method, 0.2)
        monkeypatch.setattr(CSVFile, method, lambda *_: time.sleep(3600))
        run = train(tmp_path / "run", "logger=csv", *SHORT)
        assert read_json(run.directory / "status.json")["state"] == "completed"
        assert "TimeoutError: no answer in time" in (run.directory / "train.log").read_text()

    def test_a_signal_is_not_kept_waiting_for_it_and_what_it_has_started(self, tmp_path, monkeypatch):
        helpers = []

        def wait(*_: object) -> None:
            helpers.append(subprocess.Popen(["sleep", "3600"]))
            helpers[-1].wait()
            time.sleep(3600)

        another = subprocess.Popen(["sleep", "3600"])
        monkeypatch.setattr(fan_out, "SECONDS_TO_STOP", 0.2)
        monkeypatch.setattr(CSVFile, "close", wait)
        interrupt(tmp_path / "run", N_STEPS + 5, "logger=csv", *BLOBS)
        assert helpers[0].wait(60) == -signal.SIGTERM
        assert another.poll() is None
        another.kill()

    def test_a_link_in_the_place_of_its_folder_is_not_followed(self, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "csv").symlink_to(tmp_path / "elsewhere")
        train(tmp_path / "run", "logger=csv", *SHORT)
        assert not list((tmp_path / "elsewhere").iterdir())


class TestConfiguration:
    @pytest.mark.parametrize("given", ["csv", "[csv]", "[tensorboard,csv]"])
    def test_tensorboard_stays_whatever_is_chosen(self, checked, given):
        node = checked(f"logger={given}")["logger"]
        assert node["_target_"] == "linnet.tracking.RunLogger" and node["histogram_every_n_epochs"] == 1
        assert node["csv"] == {"_target_": "linnet.tracking.loggers.csv_file.CSVFile"}

    def test_tensorboard_stays_where_the_choice_is_deleted(self, checked):
        assert checked("~logger") == checked()

    def test_a_list_is_named_in_the_manifest(self, tmp_path):
        run = train(tmp_path / "run", "logger=[tensorboard,csv]", *SHORT)
        assert read_json(run.directory / "manifest.json")["choices"]["logger"] == "csv"

    def test_no_result_depends_on_it(self, checked):
        assert config_hash(checked("logger=csv")) == config_hash(checked())
        assert config_hash(checked("logger.histogram_every_n_epochs=0")) != config_hash(checked())

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("logger=cvs", "logger=cvs: no such option, did you mean csv?"),
            ("logger=[csv,mlfow]", "logger=mlfow: no such option, did you mean mlflow?"),
            ("logger.csv.rows=1", "logger.csv.rows: no such key"),
            ("+logger.mine._target_=os.system", "logger.mine._target_=os.system: not on the list of callables"),
            (
                "+logger.mine._target_=linnet.tracking.loggers.csv_file.CSVFile",
                "logger.mine._target_=linnet.tracking.loggers.csv_file.CSVFile: not on the list of callables",
            ),
        ],
    )
    def test_what_is_none_is_refused(self, workplace, refusal, word, said):
        assert said in refusal("train", word)

    def test_a_missing_package_is_named_with_its_command(self, workplace, refusal, monkeypatch):
        monkeypatch.setattr(skeleton("linnet.tracking.loggers.csv_file.CSVFile"), "package", "not_there")
        assert refusal("train", "logger=csv") == "linnet: logger=csv: not_there is not installed: pip install not_there"

    def test_its_runs_are_trained_one_by_one(self, checked):
        assert reason_alone(checked("logger=csv")) == "logger=csv logs one run at a time"
        assert reason_alone(checked()) is None


def test_reproduction_is_by_tensorboard_only_and_says_so(workplace, answer):
    linnet.train(words(Path("run"), "logger=[csv]", *BLOBS))
    code, output, errors = answer("reproduce", "run", "--dir", "again")
    assert code == 0 and "identical" in output
    assert "note: the run was logged by logger=csv too, and its reproduction is by TensorBoard only" in errors
    assert not Path("again/csv").exists()
