"""Which jobs of a sweep are trained side by side, and why the others are not."""

from pathlib import Path

import pytest

from linnet.cli import main as cli
from linnet.sweeps.grouping import group, largest_group
from linnet.system.reading import read_json

BLOBS = ["data=gaussian_blobs", "data.n_train=200", "data.n_val=50", "data.n_test=50", "trainer.max_epochs=3"]
LINE = ["data=synthetic_regression", "data.n_train=100", "trainer.max_epochs=3"]


def sweep(folder: Path, *overrides: str) -> int:
    return cli.run(["train", "-m", f"hydra.sweep.dir={folder}", "hydra/launcher=vectorized", *overrides])


class TestGrouping:
    def test_others_run_by_themselves_and_say_why(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = [*BLOBS, "optimizer=sgd,torch_sgd", "optimizer.lr=0.1,0.2", "figures=false"]
        assert sweep(tmp_path, *words) == 0
        printed = capsys.readouterr().out
        assert "training 2 jobs side by side" in printed
        assert printed.count("by itself, the optimizers of torch take one number for all models") == 2
        assert "side_by_side" not in read_json(tmp_path / "3/manifest.json")

    def test_only_what_may_differ_differs(self, checked) -> None:
        words = [
            "seed=0", "seed=1", "seed=1 data.seed=0", "data.batch_size=16", "optimizer.lr=3", "name=x",
            "penalty=l2", "callbacks=early_stopping", "trainer.max_epochs=3", "optimizer=momentum",
            "optimizer=momentum optimizer.momentum=0.5", "optimizer=momentum optimizer.nesterov=true",
        ]  # fmt: skip
        groups, alone = group([(text, checked(*text.split())) for text in words])
        assert groups == [
            ["seed=0", "seed=1 data.seed=0", "optimizer.lr=3", "name=x"],
            ["optimizer=momentum", "optimizer=momentum optimizer.momentum=0.5"],
        ]
        reasons = dict(alone)
        assert reasons["seed=1"] == "no other job shares its data.seed=1"
        assert reasons["data.batch_size=16"] == "no other job shares its data.batch_size=16"
        assert reasons["callbacks=early_stopping"] == "callbacks=early_stopping ends each run at its own epoch"
        assert reasons["optimizer=momentum optimizer.nesterov=true"] == (
            "no other job shares its optimizer.nesterov=True"
        )

    def test_groups_of_a_largest_size(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = [*LINE, "optimizer.lr=0.01,0.02,0.03,0.04,0.05"]
        assert sweep(tmp_path, *words, "hydra.launcher.max_models=2") == 0
        printed = capsys.readouterr().out
        assert "training 2 jobs side by side, 3 more after them" in printed
        assert "training 1 jobs side by side" in printed
        assert [read_json(tmp_path / str(k) / "manifest.json").get("side_by_side") for k in range(5)] == [
            [0, 1], [0, 1], [2, 3], [2, 3], None,
        ]  # fmt: skip

    def test_a_size_that_makes_no_sense(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep(tmp_path / "x", *LINE, "optimizer.lr=1,2", "hydra.launcher.max_models=0") == 2
        assert "hydra.launcher.max_models=0: expected a whole number of at least 1" in capsys.readouterr().err

    def test_memory_bounds_a_group(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("linnet.sweeps.grouping.available_memory", lambda: 2**30)
        assert largest_group(10, 784, 256, 4, limit=10_000) < 1000
        assert largest_group(10, 784, 256, 4, limit=5) == 5
        assert largest_group(1000, 10**6, 256, 8, limit=100) == 1
        assert largest_group(10, 784, 256, 4, limit=10_000, n_models=10**5) == 1
