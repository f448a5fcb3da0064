"""Runs that were interrupted, and what they are to end as."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from interrupted_run import FAMILIES, interrupt, words

import linnet
import linnet.training.resume
from linnet.tracking.checkpoint_file import load


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function of overrides that gives the directory of a run that nobody interrupted."""

    @cache
    def directory(*overrides: str) -> Path:
        path = tmp_path_factory.mktemp("uninterrupted") / "run"
        linnet.train(words(path, *overrides))
        return path

    return directory


@pytest.fixture(scope="session")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run interrupted after step 22 of 45, whose previous checkpoint is of step 19. To be copied."""
    path = tmp_path_factory.mktemp("halfway") / "run"
    interrupt(path, 22, *FAMILIES["momentum"])
    assert load(path / "checkpoints" / "previous.ckpt")["linnet"]["steps_done"] == 19
    return path


@pytest.fixture
def run(halfway: Path, tmp_path: Path) -> Path:
    """A copy of the run that was interrupted halfway."""
    return shutil.copytree(halfway, tmp_path / "run")


@pytest.fixture
def finished(uninterrupted: Callable[..., Path]) -> Path:
    """What that run is to end as."""
    return uninterrupted(*FAMILIES["momentum"])
