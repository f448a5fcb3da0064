"""Sweeps from Python: the jobs of the command line, and runs that come back."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

import linnet
from linnet.cli import main as cli
from linnet.results.sweep import grid_words
from linnet.system.reading import read_json

QUICK = {"optimum": "off", "max_epochs": 1, "quiet": True}


class Asymmetric:
    task = "regression"

    def value(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (target - prediction).abs().sum(-1)


def weights(folder: Path) -> list[str]:
    runs = sorted(folder.glob("*/manifest.json"))
    return [read_json(path)["weights_sha256"] for path in runs]


def test_the_jobs_are_those_of_the_command_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers[:] = []
    grid = {"optimizer.lr": [0.1, 0.01], "seed": range(2)}
    runs = linnet.sweep(grid, "data=digits", sweep_dir="runs/python", **QUICK)
    assert capsys.readouterr() == ("", "") and logging.getLogger().handlers == []
    words = ["optimizer.lr=0.1,0.01", "seed=0,1", "data=digits", "optimum=off", "trainer.max_epochs=1"]
    assert cli.run(["train", "-m", *words, "hydra.sweep.dir=runs/shell"]) == 0
    assert weights(workplace / "runs/python") == weights(workplace / "runs/shell") != []
    assert len(runs) == 4 and runs.best.directory is not None
    # By mean over seeds, then the better seed.
    by_hand = runs.frame.groupby("optimizer.lr")["val/loss"].mean()
    best = runs.frame[runs.frame["optimizer.lr"] == by_hand.idxmin()]
    assert runs.best.metrics["val/loss"] == best["val/loss"].min()
    assert str(runs.best.directory) == str(best.loc[best["val/loss"].idxmin(), "run"])
    before = (workplace / "runs/python/0/status.json").read_text()
    more = linnet.sweep({**grid, "seed": [1]}, "data=digits", sweep_dir="runs/python", **QUICK)
    assert len(more) == 2 and (workplace / "runs/python/0/status.json").read_text() == before
    assert len(linnet.compare("runs/python")) == 4


def test_jobs_that_diverge_are_in_the_result(workplace: Path) -> None:
    runs = linnet.sweep({"lr": [0.1, 1e9]}, "data=digits", sweep_dir="s", **QUICK)
    assert runs.frame["state"].tolist() == ["completed", "diverged"]
    with pytest.raises(linnet.InputError, match="did not complete"):
        runs[1]
    assert "diverged: optimizer.lr=1e+09" in runs._repr_html_()


@pytest.mark.parametrize("launcher", [None, "vectorized"])
def test_data_given_in_python_reaches_every_job(workplace: Path, launcher: str | None) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = x @ [1.0, 2.0, 3.0]
    rates = np.array([0.01, 0.1])
    runs = linnet.sweep({"lr": rates}, x, y, launcher=launcher, sweep_dir="s", **QUICK)
    assert sorted(runs.frame["optimizer.lr"]) == rates.tolist()
    alone = linnet.train(x, y, lr=0.1, optimum="off", max_epochs=1, figures=False, run_dir="alone")
    np.testing.assert_allclose(runs.best(x), alone(x), rtol=1e-5)
    before = Path("s/1/status.json").read_text()
    assert len(linnet.sweep({"lr": rates}, x, y, sweep_dir="s", **QUICK)) == 2
    assert Path("s/1/status.json").read_text() == before  # and did not run again


def test_what_other_processes_lack_is_refused(workplace: Path) -> None:
    x = np.arange(8.0)[:, None]
    with pytest.raises(linnet.InputError, match="launcher=joblib: its processes do not have the data given in Python"):
        linnet.sweep({"lr": [0.1]}, x, x[:, 0], launcher="joblib", **QUICK)
    with pytest.raises(linnet.InputError, match="joblib: its processes do not have the classes and functions given"):
        linnet.sweep({"loss": [Asymmetric, "huber"]}, "data=diabetes", launcher="joblib", **QUICK)
    assert not Path("runs").exists() and not Path("multirun").exists()


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"lr": [0.1, 1]}, ["optimizer.lr=0.1,1"]),
        ({"penalty": ["none", "l2"], "seed": 3}, ["penalty=none,l2", "seed=3"]),
        ({"data.exclude": [["a", "b c"], None]}, ["data.exclude=[a,'b c'],null"]),
        ({"model.bias": (True, False), "seed": iter([1, 2])}, ["model.bias=true,false", "seed=1,2"]),
    ],
)
def test_a_grid_is_written_as_overrides(grid: dict, words: list[str]) -> None:
    assert grid_words(grid) == (words, False)


def test_mistakes_are_named_before_anything_runs(workplace: Path) -> None:
    for arguments, message in (
        (({"lr": []},), "lr: no values to sweep over"),
        (({"optimizer.lr": [0.1, -1]}, "data=digits"), "optimizer.lr"),
        (({"lr": [0.1]}, "data=digits", np.ones(3)), "y is of data given in Python"),
        (({"lr": [0.1]}, "data=digits", None, "seed=1"), "given twice"),
        (({"lr": [object()]},), "expected a number, a text"),
    ):
        with pytest.raises(linnet.InputError, match=message):
            linnet.sweep(*arguments, quiet=True)
    assert list(workplace.iterdir()) == []


def test_a_loss_of_ones_own_is_a_value_of_the_grid(workplace: Path) -> None:
    runs = linnet.sweep({"loss": [Asymmetric, "huber"]}, "data=diabetes", sweep_dir="s", **QUICK)
    assert len(runs) == 2 and set(runs.frame["state"]) == {"completed"}
