"""A folder of a user, with a loss, data, an optimizer, a metric, a callback and a logger of others, from end to end."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from whole_parts import TEXT

from linnet.system.reading import read_json, sha256

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install mlflow")

TRUST = ("--trust", "./parts.py")
WORDS = (
    "data=parts.pictures", "loss=parts.Focal", "optimizer=torch.optim.NAdam", "optimizer.lr=0.01",
    "+metric.top_two._target_=parts.TopTwo", "objective.metric=val/top_two", "+callbacks.dies._target_=parts.Dies",
    "logger=[tensorboard,mlflow]", "trainer.max_epochs=4", "data.batch_size=16", "callbacks.checkpoint.every_n_steps=4",
    "figures=false", "threads=1",
)  # fmt: skip
RESULTS = ("weights.safetensors", "metrics.json", "history.csv")


def hashes(run: str) -> list[str]:
    return [sha256(Path(run) / name) for name in RESULTS]


def test_from_training_to_predictions(linnet, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("parts.py").write_text(TEXT)
    code, _, errors = linnet("train", *TRUST, *WORDS, "hydra.run.dir=whole")
    assert code == 0, errors
    command = [sys.executable, "-m", "linnet", "train", *TRUST, *WORDS, "hydra.run.dir=run"]
    killed = subprocess.run(["env", "DIE_AT=16", *command], capture_output=True, check=False)
    assert killed.returncode == -9
    assert linnet("resume", "run")[0] == 2
    assert linnet("resume", "run", *TRUST)[0] == 0
    assert hashes("run") == hashes("whole")
    found = read_json(Path("whole/metrics.json"))
    assert found["val/top_two"] == pytest.approx(found["val/top2_accuracy"], abs=1e-12)

    code, _, errors = linnet("train", "-m", *TRUST, *WORDS, "loss.gamma=0,1", "hydra.sweep.dir=sweep")
    assert code == 0, errors
    client = mlflow.tracking.MlflowClient(f"sqlite:///{Path.cwd()}/mlflow.db")
    logged = client.search_runs([client.get_experiment_by_name("linnet").experiment_id])
    assert len(logged) == 2 + 3 and {run.info.status for run in logged} == {"FINISHED"}
    by_place = {run.data.tags.get("linnet.directory"): run.data.metrics for run in logged}
    for place in ("whole", "run", "sweep/0", "sweep/1"):
        recorded = read_json(Path(place) / "metrics.json")
        assert by_place[str(Path(place).absolute())]["val/top_two_final"] == recorded["val/top_two"]

    code, output, _ = linnet("evaluate", "whole", *TRUST)
    assert code == 0 and "top_two" in output
    np.save("new.npy", np.random.default_rng(0).random((4, 108), dtype=np.float32))
    code, output, _ = linnet("predict", "whole", "--input", "new.npy")
    assert code == 0 and len(output.splitlines()) == 5
    code, output, _ = linnet("reproduce", "whole", *TRUST)
    assert code == 0 and output.splitlines()[-1].startswith("identical")
    Path("parts.py").write_text(TEXT.replace("1 - log_p.exp()", "1.0 - log_p.exp()"))
    del sys.modules["parts"]
    assert "parts.Focal: " in linnet("reproduce", "whole", *TRUST)[1]


def test_early_stopping_of_lightning_watches_a_metric_of_ones_own(linnet):
    Path("parts.py").write_text(TEXT)
    stopping = "_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: val/top_two, mode: max, patience: 1"
    stop = f"+callbacks.stop={{{stopping}}}"
    words = ("data=parts.pictures", "+metric.top_two._target_=parts.TopTwo", stop, "optimizer.lr=1e-9", "figures=false")
    trust = (*TRUST, "--trust", "pytorch_lightning.callbacks")
    code, output, errors = linnet("train", *trust, *words, "trainer.max_epochs=9", "hydra.run.dir=run")
    assert code == 0 and "kept epoch 1 of 2" in output, errors
