"""A loss that grows is called diverging while it is still finite, with a learning rate that works; others are not."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interrupted_run import one_line, resume, status

from linnet.cli import main as cli
from linnet.tracking import read_history
from linnet.training import finalize

COMMON = ("figures=false", "threads=1")


def train(directory: Path, *overrides: str) -> int:
    return cli.run(["train", f"hydra.run.dir={directory}", *COMMON, *overrides])


def arrays(folder: Path, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> list[str]:
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return ["data=arrays", f"data.x={folder / 'x.npy'}", f"data.y={folder / 'y.npy'}"]


def epochs(directory: Path) -> list[float]:
    return read_history(directory / "history.csv")["train/loss_epoch"].value


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """More columns than examples, so that the default learning rate is far too high for a minibatch."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4_000)).astype(np.float32)
    files = arrays(tmp_path_factory.mktemp("wide"), x, 2 * x @ rng.normal(size=4_000).astype(np.float32))
    return [*files, "data.batch_size=32"]


class TestDiverging:
    @pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
    def test_says_so_and_which_rate_does_not(self, optimizer, wide, tmp_path, capsys):
        given = (*wide, f"optimizer={optimizer}", "optimizer.lr=0.1", "trainer.max_epochs=2")
        assert train(tmp_path / "wild", *given) == 3
        message = one_line(capsys)
        assert "training diverges: the loss grew from" in message
        assert status(tmp_path / "wild")["state"] == "diverged"
        assert status(tmp_path / "wild")["error"] in message
        wild = epochs(tmp_path / "wild")
        assert wild[-1] > 1e3 * wild[0]
        assert not (tmp_path / "wild" / "metrics.json").exists()
        assert (tmp_path / "wild" / "checkpoints" / "last.ckpt").exists()
        rate = float(re.search(r"try optimizer\.lr=([\d.e-]+)", message)[1])
        assert rate < 0.1
        assert train(tmp_path / "tame", *given, f"optimizer.lr={rate}") == 0
        tame = epochs(tmp_path / "tame")
        assert tame[-1] < tame[0] < wild[0]

    def test_whether_or_not_it_was_interrupted(self, wide, tmp_path, monkeypatch):
        given = (*wide, "trainer.max_epochs=2")

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(finalize, "raise_if_diverged", interrupted)
            assert train(tmp_path / "run", *given) == 130
        assert resume(tmp_path / "run") == 3
        assert status(tmp_path / "run")["state"] == "diverged"

    def test_in_a_sweep(self, wide, tmp_path, capsys):
        sweep = ["-m", f"hydra.sweep.dir={tmp_path / 'sweep'}", *COMMON, *wide, "trainer.max_epochs=2"]
        cli.run(["train", *sweep, "optimizer.lr=0.1,0.001", "hydra/launcher=vectorized"])
        assert [status(tmp_path / "sweep" / str(job))["state"] for job in (0, 1)] == ["diverged", "completed"]
        assert "training diverges" in status(tmp_path / "sweep" / "0")["error"]


class TestNotDiverging:
    def test_first_minibatch_without_the_outliers(self, tmp_path):
        """Losses of single minibatches differ by more than the factor, the mean of all is what counts."""
        rng = np.random.default_rng(1)
        x = rng.normal(size=(320, 3))
        y = 0.01 * rng.normal(size=320)
        y[:4] = 1e3, -1e3, 1e3, -1e3
        given = (*arrays(tmp_path, x, y), "data.batch_size=16")
        assert train(tmp_path / "run", *given, "trainer.max_epochs=2", "optimizer.lr=1e-6") == 0
        losses = read_history(tmp_path / "run" / "history.csv")["train/loss"].value
        assert epochs(tmp_path / "run")[-1] > 1e3 * losses[0]

    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_start_next_to_the_optimum(self, optimizer, tmp_path):
        """A loss of rounding size at the start is left by any factor."""
        x = np.random.default_rng(2).normal(size=(60, 3))
        given = (*arrays(tmp_path, x, x @ [1.0, -2.0, 3.0]), "data.dtype=float64", "model.init=zeros")
        assert train(tmp_path / "first", *given, "optimizer=exact") == 0
        more = (f"optimizer={optimizer}", "optimizer.lr=0.01", f"init_from={tmp_path / 'first'}")
        assert train(tmp_path / "second", *given, *more, "trainer.max_epochs=3") == 0

    def test_large_initial_weights(self, tmp_path):
        x = np.random.default_rng(3).normal(size=(60, 3))
        given = arrays(tmp_path, x, x @ [1.0, -2.0, 3.0])
        assert train(tmp_path / "run", *given, "model.init_std=1e4", "optimizer.lr=1e-9", "trainer.max_epochs=1") == 0
