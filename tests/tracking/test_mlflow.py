"""`logger=mlflow`: MLflow's local store, read back by MLflow's client, agrees with the run directory."""

import shutil
import socket
from pathlib import Path

import pytest
from interrupted_run import BLOBS, N_STEPS, interrupt, resume
from run_directory import SHORT, train, weights_sha256

from linnet.system.reading import read_json
from linnet.tracking import read_history
from linnet.tracking.loggers import fan_out

pytest.importorskip("mlflow", reason="MLflow is not installed: pip install mlflow")
from mlflow.tracking import MlflowClient

QUICK = ("figures=false", "optimum=off")


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """A store without runs, of which the making takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    return (folder / "mlflow.db").read_bytes()


@pytest.fixture
def store(workplace, empty_store, monkeypatch):
    """The client of a store of this test's own, which runs find by the environment."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(fan_out, "SECONDS_TO_STOP", 60)  # processors here may be busy
    Path("mlflow.db").write_bytes(empty_store)
    return MlflowClient(f"sqlite:///{Path.cwd()}/mlflow.db")


def runs(store, name="linnet"):
    return store.search_runs([store.get_experiment_by_name(name).experiment_id], order_by=["attributes.start_time"])


class TestRun:
    def test_has_parameters_curves_final_metrics_and_files(self, store):
        run = train(
            Path("run"), "logger=mlflow", "trainer.max_epochs=3", "tags=[probe,small]", "notes=first", "optimum=off"
        )
        (logged,) = runs(store)
        assert logged.info.status == "FINISHED" and logged.info.run_name.endswith("/run")
        assert logged.data.params["optimizer.lr"] == "0.1" and logged.data.params["data"] == "digits"
        assert (logged.data.tags["tags"], logged.data.tags["mlflow.note.content"]) == ("probe,small", "first")
        final = {key: value for key, value in run.metrics.items() if key.count("/") == 1}
        found = logged.data.metrics
        assert {key: found.get(f"{key}_final", found.get(key)) for key in final} == final
        per_epoch = read_history(run.directory / "history.csv")["train/loss_epoch"]
        points = store.get_metric_history(logged.info.run_id, "train/loss_epoch")
        assert [(point.step, point.value) for point in points] == list(zip(*per_epoch, strict=True))
        for name in ("weights.safetensors", "metrics.json", ".hydra/config.yaml", "figures/learning_curves.png"):
            copy = Path(store.download_artifacts(logged.info.run_id, name))
            assert copy.read_bytes() == (run.directory / name).read_bytes()

    def test_is_found_again_by_a_run_that_goes_on(self, store):
        interrupt(Path("run"), N_STEPS + 5, "logger=mlflow", *BLOBS)
        (logged,) = runs(store)
        assert logged.info.status == "KILLED"
        assert resume(Path("run")) == 0
        (logged,) = runs(store)
        assert logged.info.status == "FINISHED"
        steps = [point.step for point in store.get_metric_history(logged.info.run_id, "train/loss_epoch")]
        assert steps == read_history(Path("run/history.csv"))["train/loss_epoch"].step

    def test_goes_on_with_more_epochs(self, store, answer):
        train(Path("run"), "logger=mlflow", "trainer.max_epochs=1", *QUICK)
        assert answer("resume", "run", "trainer.max_epochs=2")[0] == 0
        (logged,) = runs(store)
        assert len(store.get_metric_history(logged.info.run_id, "train/loss_epoch")) == 2

    def test_in_the_place_of_one_that_was_removed_is_another(self, store):
        for epochs in (1, 2):
            train(Path("run"), "logger=mlflow", f"trainer.max_epochs={epochs}", *QUICK)
            shutil.rmtree("run")
        counts = [len(store.get_metric_history(run.info.run_id, "train/loss_epoch")) for run in runs(store)]
        assert counts == [1, 2]

    def test_that_failed_says_so(self, store, answer):
        assert answer("train", "logger=mlflow", "optimizer.lr=1e30", *QUICK)[0] == 3
        (logged,) = runs(store)
        assert logged.info.status == "FAILED"

    def test_has_the_experiment_and_the_store_that_are_given(self, store, answer):
        uri = f"logger.mlflow.tracking_uri=sqlite:///{Path.cwd()}/mlflow.db"
        assert answer("train", "logger=mlflow", uri, "logger.mlflow.experiment_name=mine", *SHORT)[0] == 0
        assert len(runs(store, "mine")) == 1

    def test_trains_the_same_weights(self, store):
        plain, logged = (train(Path(name), f"logger={name}", *SHORT) for name in ("tensorboard", "mlflow"))
        assert weights_sha256(plain.directory) == weights_sha256(logged.directory)


def test_jobs_of_a_sweep_stand_below_a_run_for_the_sweep(store, answer):
    words = ("logger=mlflow", "optimizer.lr=0.1,0.2,0.3", *SHORT, "hydra.sweep.dir=sweep")
    assert answer("train", "-m", *words)[0] == 0
    assert answer("train", "-m", *words, "optimizer.lr=0.4")[0] == 0
    logged = runs(store)
    (parent,) = [run for run in logged if "linnet.sweep" in run.data.tags]
    children = [run for run in logged if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(logged) - 1 == 4
    assert {run.info.status for run in logged} == {"FINISHED"}
    assert {run.data.params["optimizer.lr"] for run in children} == {"0.1", "0.2", "0.3", "0.4"}
    for run in children:
        metrics = read_json(Path(run.data.tags["linnet.directory"]) / "metrics.json")
        assert run.data.metrics["val/loss_final"] == metrics["val/loss"]
    shutil.rmtree("sweep")
    assert answer("train", "-m", *words)[0] == 0
    assert len([run for run in runs(store) if "linnet.sweep" in run.data.tags]) == 2


def test_jobs_in_processes_of_their_own_stand_there_too(store, answer):
    words = ("logger=mlflow", "optimizer.lr=0.1,0.2", *SHORT, "hydra.sweep.dir=sweep", "hydra/launcher=joblib")
    assert answer("train", "-m", *words)[0] == 0
    logged = runs(store)
    (parent,) = [run for run in logged if "linnet.sweep" in run.data.tags]
    assert [run.data.tags.get("mlflow.parentRunId") for run in logged].count(parent.info.run_id) == len(logged) - 1 == 2


def test_a_server_that_is_gone_costs_one_warning(workplace, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{closed.getsockname()[1]}"
        run = train(Path("run"), "logger=mlflow", f"logger.mlflow.tracking_uri={uri}", *SHORT)
    warned = [line for line in (run.directory / "train.log").read_text().splitlines() if "WARNING" in line]
    assert len(warned) == 1 and "logger=mlflow failed, and is left out from here on" in warned[0]
    assert read_json(run.directory / "status.json")["state"] == "completed"


def test_a_run_directory_sends_nothing_to_where_only_it_says(workplace, empty_store, monkeypatch, answer):
    Path("theirs.db").write_bytes(empty_store)
    uri = f"sqlite:///{Path.cwd()}/theirs.db"
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    interrupt(Path("run"), N_STEPS + 5, "logger=mlflow", f"logger.mlflow.tracking_uri={uri}", *BLOBS)
    before = Path("theirs.db").read_bytes()
    assert answer("resume", "run")[0] == 0
    assert Path("theirs.db").read_bytes() == before
    assert (
        f"set MLFLOW_TRACKING_URI to log where only the run directory says: {uri}" in Path("run/train.log").read_text()
    )
