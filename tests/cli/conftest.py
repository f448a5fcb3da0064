"""A run that its user looks at."""

import pytest

import linnet
from linnet.results.trained import TrainedRun


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """Softmax regression on digits, with figures; `board` is started where `runs` lies."""
    directory = tmp_path_factory.mktemp("board") / "runs" / "tiny"
    return linnet.train(["figures=true", "trainer.max_epochs=10", "optimizer.lr=0.2", f"hydra.run.dir={directory}"])
