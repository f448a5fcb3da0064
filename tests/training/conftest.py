"""Finished runs that many tests look at; none of them changes what lies there."""

from pathlib import Path

import pytest
from run_directory import EPOCHS, INTERVAL, RESTLESS, SHORT, train

from linnet.cli import main as cli
from linnet.results.trained import TrainedRun


@pytest.fixture(scope="session")
def classification(tmp_path_factory) -> TrainedRun:
    """Softmax regression on digits, with figures."""
    directory = tmp_path_factory.mktemp("runs") / "classification"
    return train(directory, f"trainer.max_epochs={EPOCHS}", f"trainer.log_every_n_steps={INTERVAL}")


@pytest.fixture(scope="session")
def regression(tmp_path_factory) -> TrainedRun:
    """Linear regression on standardised data of known parameters, with figures."""
    directory = tmp_path_factory.mktemp("runs") / "regression"
    data = ("data=synthetic_regression", "data.standardize=true")
    return train(directory, *data, f"trainer.max_epochs={EPOCHS}", f"trainer.log_every_n_steps={INTERVAL}")


@pytest.fixture(scope="session", params=["classification", "regression"])
def finished(request) -> TrainedRun:
    """Each of the two runs."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def restless(tmp_path_factory) -> TrainedRun:
    return train(tmp_path_factory.mktemp("runs") / "restless", *RESTLESS)


@pytest.fixture(scope="session")
def short(tmp_path_factory) -> TrainedRun:
    return train(tmp_path_factory.mktemp("runs") / "short", *SHORT)


@pytest.fixture(scope="session")
def sweep(tmp_path_factory) -> Path:
    """The directory of a sweep of two jobs."""
    directory = tmp_path_factory.mktemp("sweep")
    swept = ("--multirun", "optimizer.lr=0.05,0.2", "trainer.max_epochs=1", f"hydra.sweep.dir={directory}")
    assert cli.run(["train", *swept]) == 0
    return directory
