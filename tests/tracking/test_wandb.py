"""`logger=wandb`: the file that wandb keeps offline agrees with the run directory."""

import json
import socket
import threading
from pathlib import Path

import pytest
from interrupted_run import BLOBS, N_STEPS, interrupt, resume
from run_directory import SHORT, train, weights_sha256
from wandb_file import history, records, run_of

from linnet.system.reading import read_json
from linnet.tracking import read_history
from linnet.tracking.loggers import fan_out, wandb_run

wandb = pytest.importorskip("wandb", reason="wandb is not installed: pip install wandb")


@pytest.fixture(autouse=True)
def logged_out(workplace, monkeypatch):
    """Nobody is logged in, and no network is asked for."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_ENTITY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(Path("netrc").absolute()))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(Path("config").absolute()))
    monkeypatch.setattr(fan_out, "SECONDS_TO_STOP", 60)  # processors here may be busy
    wandb.teardown()  # it has read the environment of an earlier test


def file(run: str = "run") -> Path:
    wandb.teardown()  # it writes in a process of its own, which is waited for at the end of this one
    (found,) = Path(run).glob("wandb/offline-run-*/run-*.wandb")
    return found


class TestOffline:
    def test_has_configuration_curves_final_metrics_and_files(self):
        run = train(
            Path("run"), "logger=wandb", "trainer.max_epochs=3", "tags=[probe,small]", "notes=first", "optimum=off"
        )
        logged = run_of(file())
        config = {item.key: json.loads(item.value_json) for item in logged.config.update}
        assert config["optimizer.lr"] == 0.1 and config["data"] == "digits"
        assert (list(logged.tags), logged.notes) == (["probe", "small"], "first")
        assert logged.project == "linnet" and logged.display_name.endswith("/run")
        rows = history(file())
        per_epoch = read_history(run.directory / "history.csv")["train/loss_epoch"]
        curve = [(row["_step"], row["train/loss_epoch"]) for row in rows]
        assert curve == list(zip(*per_epoch, strict=True))
        final = {key: value for key, value in run.metrics.items() if key.count("/") == 1}
        assert {key: rows[-1].get(f"{key}_final", rows[-1].get(key)) for key in final} == final
        assert any(key.startswith("figures/learning_curves.png") for key in rows[-1])
        (artifact,) = [record for record in records(file()) if record.WhichOneof("record_type") == "artifact"]
        assert "weights.safetensors" in str(artifact)

    def test_of_a_resumed_run_is_that_of_an_uninterrupted_one(self):
        interrupt(Path("run"), N_STEPS + 5, "logger=wandb", *BLOBS)
        first = file()
        assert resume(Path("run")) == 0
        assert first.name == file().name  # the only one; its folder is named by the second, which may be the same
        steps = [row["_step"] for row in history(file())]
        assert steps == read_history(Path("run/history.csv"))["train/loss_epoch"].step

    def test_trains_the_same_weights_and_says_how_to_send_them(self):
        plain, logged = (train(Path(name), f"logger={name}", *SHORT) for name in ("tensorboard", "wandb"))
        assert weights_sha256(plain.directory) == weights_sha256(logged.directory)
        assert f"wandb sync {file('wandb').parent.absolute()}" in Path("wandb/train.log").read_text()

    def test_jobs_of_a_sweep_are_a_group(self, answer):
        words = ("logger=wandb", "optimizer.lr=0.1,0.2", *SHORT, "hydra.sweep.dir=sweep")
        assert answer("train", "-m", *words)[0] == 0
        assert {run_of(file(f"sweep/{job}")).run_group for job in "01"} == {f"{Path.cwd().name}/sweep"}

    def test_disabled_by_the_environment_leaves_nothing(self, monkeypatch):
        monkeypatch.setenv("WANDB_MODE", "disabled")
        train(Path("run"), "logger=wandb", *SHORT)
        assert not list(Path("run").glob("wandb/*run-*"))


def test_a_server_that_does_not_answer_costs_one_warning(monkeypatch):
    monkeypatch.setattr(wandb_run, "SECONDS_TO_BEGIN", 2.0)
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        run = train(Path("run"), "logger=wandb", "logger.wandb.mode=online", *SHORT)
    warned = [line for line in (run.directory / "train.log").read_text().splitlines() if "WARNING" in line]
    assert len(warned) == 1 and "logger=wandb failed, and is left out from here on" in warned[0]
    assert read_json(run.directory / "status.json")["state"] == "completed"
    assert threading.active_count() < 20


def test_a_run_directory_sends_nothing_to_whom_only_it_names():
    interrupt(Path("run"), N_STEPS + 5, "logger=wandb", "logger.wandb.entity=them", *BLOBS)
    before = file().read_bytes()
    assert resume(Path("run")) == 0
    assert file().read_bytes() == before
    assert "set WANDB_ENTITY to log where only the run directory says: them" in Path("run/train.log").read_text()
