"""Trained runs that the tests of pages share."""

from pathlib import Path

import pytest

import linnet


@pytest.fixture(scope="session")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run of least squares with five folds, and two figures."""
    path = tmp_path_factory.mktemp("report") / "folds"
    linnet.train(
        ["data=diabetes", "resampling=kfold", "trainer.max_epochs=3", "figures=false", "notes=of June", "tags=[paper]",
         "optimizer.lr=0.3", f"hydra.run.dir={path}"], quiet=True,
    )  # fmt: skip
    return path
