"""Jobs of a sweep that are solved: they share their data, and in blocks of rows start from each other."""

from pathlib import Path

import pytest

from linnet.cli import main as cli
from linnet.solvers.blockwise import solve as blockwise
from linnet.system.reading import read_json
from linnet.training import sequence, setup

COMMON = ("train", "-m", "data=digits", "optimizer=exact", "penalty=l2", "figures=false")


@pytest.fixture
def n_read(monkeypatch) -> list[int]:
    """Grows by one entry each time that data is read."""
    read, build = [], setup.build_data

    def counted(*arguments, **options):
        read.append(1)
        return build(*arguments, **options)

    monkeypatch.setattr(setup, "build_data", counted)
    return read


def metrics(folder: Path, job: int) -> dict[str, float]:
    return read_json(folder / str(job) / "metrics.json")


def test_jobs_give_the_optima_of_runs_alone_and_read_their_data_once(tmp_path, n_read, monkeypatch) -> None:
    monkeypatch.setattr(blockwise, "LARGE", 1000)
    strengths = (0.1, 0.05, 0.025)
    assert cli.run([*COMMON, "penalty.strength=0.1,0.05,0.025", f"hydra.sweep.dir={tmp_path / 's'}"]) == 0
    assert len(n_read) == 1
    monkeypatch.setattr(blockwise, "LARGE", 10**9)  # alone, and by the other solver
    monkeypatch.setenv("LINNET_DATA", str(tmp_path))  # not what the sweep has found
    for job, strength in enumerate(strengths):
        alone = tmp_path / f"alone{job}"
        assert cli.run(["train", *COMMON[2:], f"penalty.strength={strength}", f"hydra.run.dir={alone}"]) == 0
        found, known = metrics(tmp_path / "s", job), read_json(alone / "metrics.json")
        assert found.keys() == known.keys()
        assert found["optimum/bound"] <= 1e-11
        assert found["optimum/loss"] == pytest.approx(known["optimum/loss"], abs=1e-11)
        assert found["test/accuracy"] == known["test/accuracy"]
        assert found["test/nll"] == pytest.approx(known["test/nll"], rel=1e-6)


def test_other_data_is_read_again(tmp_path, n_read) -> None:
    options = ("data.val_fraction=0.1,0.2", "penalty.strength=0.1", f"hydra.sweep.dir={tmp_path}")
    assert cli.run([*COMMON, *options]) == 0
    assert len(n_read) == 2
    assert metrics(tmp_path, 0)["train/loss"] != metrics(tmp_path, 1)["train/loss"]


def test_outside_of_a_sweep_nothing_is_kept() -> None:
    config = {"optimizer": {"_target_": "linnet.optimizers.Exact"}, "penalty": {}}
    assert sequence.data_of(config, lambda: "first") == "first"
    assert sequence.data_of(config, lambda: "second") == "second"
