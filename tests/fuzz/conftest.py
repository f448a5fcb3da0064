"""Finished and interrupted runs whose files the tests damage."""

import shutil
from pathlib import Path

import pytest
from damaged import LINE, SWEEP
from interrupted_run import interrupt
from subjects import HOUSES

import linnet
from linnet.cli import main as cli


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A completed run, one that was interrupted, and a finished sweep."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        linnet.train([*LINE, "figures=false", "trainer.max_epochs=2", "optimum=always", "hydra.run.dir=run"])
        interrupt(Path("stopped"), 7, *LINE, "optimum=always")
        assert cli.run(SWEEP) == 0
    return folder


@pytest.fixture
def files(trained: Path, workplace: Path) -> Path:
    shutil.copytree(trained, workplace, dirs_exist_ok=True)
    return workplace


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on a table."""
    folder = tmp_path_factory.mktemp("table")
    shutil.copy(HOUSES, folder / "houses.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        linnet.train([
            "data=table", "data.path=houses.csv", "data.target=price", "figures=false", "threads=1",
            "trainer.max_epochs=1", "hydra.run.dir=run",
        ])  # fmt: skip
    return folder
