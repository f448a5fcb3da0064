"""Jobs that are trained side by side: equal to jobs alone, untouched by each other, complete in their directories."""

import itertools
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import linnet
from linnet.cli import main as cli
from linnet.models import gradient_descent
from linnet.system.reading import read_json
from linnet.tracking import read_history
from linnet.training.resume import resume

VECTORIZED = "hydra/launcher=vectorized"
BLOBS = ["data=gaussian_blobs", "data.n_train=200", "data.n_val=50", "data.n_test=50", "trainer.max_epochs=3"]
LINE = ["data=synthetic_regression", "data.n_train=100", "trainer.max_epochs=3"]
SWEEPS = {
    "sgd": [*BLOBS, "optimizer.lr=0.01,0.1,1", "model.init_seed=0,1"],
    "momentum": [*BLOBS, "optimizer=momentum", "optimizer.momentum=0.5,0.9", "schedule=constant,cosine"],
    "adam": [*LINE, "optimizer=adam", "optimizer.lr=0.01,0.1", "optimizer.beta1=0.5,0.9", "optimizer.eps=1e-8,1e-3"],
    "adamw": [*BLOBS, "optimizer=adamw", "optimizer.weight_decay=0.01,0.3", "model.init_std=0,0.5"],
    "rmsprop": [*LINE, "optimizer=rmsprop", "optimizer.alpha=0.5,0.99", "loss=huber"],
    "adagrad": [*BLOBS, "optimizer=adagrad", "optimizer.initial_accumulator=0,0.1", "model.gradient=autograd"],
    "l2": [*LINE, "penalty=l2", "penalty.strength=0,0.01,1"],
    "l1": [*BLOBS, "penalty=l1", "penalty.strength=0.001,0.01", "optimizer=adam"],
    "elastic_net": [*LINE, "penalty=elastic_net", "penalty.l1_ratio=0,0.5,1", "model.bias=false"],
    "schedules": [*BLOBS, "schedule=step", "schedule.gamma=0.1,0.5", "schedule.warmup_epochs=0,1"],
}


def sweep(folder: Path, *overrides: str) -> int:
    return cli.run(["train", "-m", f"hydra.sweep.dir={folder}", VECTORIZED, *overrides])


def job_words(folder: Path) -> dict[int, list[str]]:
    return {job["number"]: job["overrides"] for job in read_json(folder / "ledger.json")["jobs"]}


def weights(run: Path) -> torch.Tensor:
    tensors = load_file(run / "weights.safetensors")
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)])


def state(run: Path) -> str:
    return str(read_json(run / "status.json")["state"])


def tags(run: Path) -> dict[str, int]:
    """Curve -> how many points TensorBoard has of it."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: len(events.Scalars(tag)) for tag in events.Tags()["scalars"]}


# In float32 the same steps are taken, so that one of the sweeps does. The last two jobs are trained alone: a confusion
# of jobs would put others in their place.
@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [*((name, "float64", 1e-12) for name in SWEEPS), ("sgd", "float32", 1e-5)],
)
def test_weights_are_those_of_the_jobs_alone(tmp_path: Path, name: str, dtype: str, tolerance: float) -> None:
    assert sweep(tmp_path / "sweep", *SWEEPS[name], f"data.dtype={dtype}") == 0
    jobs = job_words(tmp_path / "sweep")
    for number, words in [*jobs.items()][-2:]:
        run = linnet.train([*words, f"hydra.run.dir={tmp_path / str(number)}", "figures=false"])
        together = tmp_path / "sweep" / str(number)
        assert len(read_json(together / "manifest.json")["side_by_side"]) == len(jobs)
        alone = weights(run.directory)
        assert float((weights(together) - alone).norm()) <= tolerance * float(alone.norm())
        figures = read_json(together / "metrics.json")
        assert figures == pytest.approx(run.metrics, rel=1e-3, abs=1e-6)


def test_a_job_that_diverges_changes_no_bit_of_the_others(tmp_path: Path) -> None:
    assert sweep(tmp_path / "calm", *LINE, "optimizer.lr=0.01,0.03,0.05,0.1") == 0
    assert sweep(tmp_path / "wild", *LINE, "optimizer.lr=0.01,0.03,1e30,0.1") == 1
    assert [state(tmp_path / "wild" / str(k)) for k in range(4)] == ["completed", "completed", "diverged", "completed"]
    for k in (0, 1, 3):
        for file in ("weights.safetensors", "history.csv"):
            assert (tmp_path / "calm" / str(k) / file).read_bytes() == (tmp_path / "wild" / str(k) / file).read_bytes()
    status = read_json(tmp_path / "wild/2/status.json")
    assert "the loss became" in status["error"]
    alone = tmp_path / "alone"
    assert cli.run(["train", *LINE, "optimizer.lr=1e30", f"hydra.run.dir={alone}"]) == 3
    assert (status["step"], status["error"]) == tuple(
        read_json(alone / "status.json")[key] for key in ("step", "error")
    )
    curves = [read_history(folder / "history.csv") for folder in (alone, tmp_path / "wild/2")]
    assert curves[0] == {name: (step, pytest.approx(value, 1e-6)) for name, (step, value) in curves[1].items()}


def test_all_may_diverge(tmp_path: Path) -> None:
    assert sweep(tmp_path, *LINE, "optimizer.lr=1e29,1e30") == 1
    assert [state(tmp_path / name) for name in "01"] == ["diverged", "diverged"]


def test_a_directory_is_as_complete_as_that_of_a_job_alone(tmp_path: Path) -> None:
    words = [*BLOBS, "optimizer.lr=0.1,0.2", "optimum=always", "penalty=l2", "figures=true"]
    assert sweep(tmp_path / "together", *words) == 0
    assert cli.run(["train", "-m", f"hydra.sweep.dir={tmp_path / 'alone'}", *words]) == 0
    for number in "01":
        together, alone = tmp_path / "together" / number, tmp_path / "alone" / number
        files = [
            {str(path.relative_to(run)).split(".tfevents")[0] for path in run.rglob("*") if path.is_file()}
            for run in (together, alone)
        ]
        assert files[0] == files[1]
        assert tags(together) == tags(alone)
        assert read_json(together / "metrics.json") == pytest.approx(read_json(alone / "metrics.json"), rel=1e-4)
        checkpoint = together / "checkpoints" / "best.ckpt"
        module = linnet.models.SoftmaxRegression.load_from_checkpoint(checkpoint)
        assert module.weight.shape[0] == 1
        manifests = [read_json(run / "manifest.json") for run in (together, alone)]
        assert manifests[0].pop("side_by_side") == [0, 1]
        assert manifests[0].keys() == manifests[1].keys()
        assert manifests[0]["config_sha256"] == manifests[1]["config_sha256"]
        assert (together / "train.log").read_text().count("examples of") == 1


def test_hydras_files_are_those_of_hydra(tmp_path: Path) -> None:
    words = [*LINE, "optimizer.lr=0.1,0.2", "+hydra.job.env_set.LINNET_THREADS='1'"]
    sweep(tmp_path / "together", *words)
    cli.run(["train", "-m", f"hydra.sweep.dir={tmp_path / 'alone'}", *words])
    for number in "01":
        together, alone = ({}, {})
        for found, folder in ((together, "together"), (alone, "alone")):
            for name in ("config", "hydra", "overrides"):
                text = (tmp_path / folder / number / ".hydra" / f"{name}.yaml").read_text()
                found[name] = yaml.safe_load(text.replace(folder, "FOLDER"))
        for found in (together, alone):
            node: Any = found["hydra"]["hydra"]
            node["launcher"] = node["runtime"]["choices"]["hydra/launcher"] = None
            node["overrides"]["hydra"] = [text for text in node["overrides"]["hydra"] if text != VECTORIZED]
        assert together == alone


class TestInterrupted:
    def interrupt(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
        original, calls = gradient_descent.train_chunk, itertools.count()

        def train_chunk(*arguments: Any) -> Any:
            if next(calls) == 2:  # in the third epoch
                signal.raise_signal(signal.SIGTERM)
            return original(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(gradient_descent, "train_chunk", train_chunk)
            assert sweep(folder, *words) == 143

    def test_each_goes_on_by_itself_or_with_the_sweep(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        words = [*LINE, "optimizer=adam", "optimizer.lr=0.01,0.02,0.03", "trainer.max_epochs=5"]
        assert sweep(tmp_path / "whole", *words) == 0
        self.interrupt(tmp_path / "cut", monkeypatch, *words)
        assert [state(tmp_path / "cut" / name) for name in "012"] == ["interrupted"] * 3
        resume(tmp_path / "cut" / "1")
        torch.testing.assert_close(weights(tmp_path / "cut/1"), weights(tmp_path / "whole/1"), rtol=1e-5, atol=1e-7)
        assert sweep(tmp_path / "cut", *words) == 0
        for name in "02":
            torch.testing.assert_close(
                weights(tmp_path / "cut" / name), weights(tmp_path / "whole" / name), rtol=1e-5, atol=1e-7
            )


def test_data_that_is_not_there_fails_every_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data=kmnist", "data.download=false", f"data.root={tmp_path / 'nothing'}", "optimizer.lr=0.1,0.2"]
    assert sweep(tmp_path / "sweep", *words) == 1
    for name in "01":
        status = read_json(tmp_path / "sweep" / name / "status.json")
        assert (status["state"], "KMNIST is not on this machine" in status["error"]) == ("failed", True)
    assert "2 jobs: 2 failed" in capsys.readouterr().out


def test_an_error_in_training_is_recorded_by_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> Any:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(gradient_descent, "train_chunk", broken)
    assert sweep(tmp_path, *LINE, "optimizer.lr=0.1,0.2") == 1
    assert [read_json(tmp_path / name / "status.json")["error"] for name in "01"] == ["RuntimeError: no such luck"] * 2


def test_trials_of_a_search_are_trained_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*LINE, "search=optuna", "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=3", "hydra.sweeper.params=null"]
    assert sweep(tmp_path, *words, "optimizer.lr=tag(log, interval(0.01, 0.5))") == 0
    assert capsys.readouterr().out.count("training 3 jobs side by side") == 2


def test_reproduction_of_one_alone_says_what_was_different(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep(tmp_path / "sweep", *LINE, "optimizer.lr=0.1,0.2")
    capsys.readouterr()
    assert cli.run(["reproduce", str(tmp_path / "sweep" / "1")]) == 0
    assert "trained: with 1 other models recorded, alone here" in capsys.readouterr().out


def test_side_by_side_numbers_must_be_numbers() -> None:
    from linnet.optimizers import Momentum
    from linnet.training.stacking import join

    with pytest.raises(ValueError, match="nesterov must be the same"):
        join([Momentum(0.1, 0.9), Momentum(0.1, 0.9, nesterov=True)])


@pytest.mark.parametrize("options", [["trainer=ddp"], ["trainer.devices=2"]])
def test_several_processes_are_refused(tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep(tmp_path / "x", *LINE, "optimizer.lr=0.1,0.2", *options) == 2
    assert "trainer.devices=2" in capsys.readouterr().err
