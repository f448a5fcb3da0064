"""How the runs are made, and how a damaged one is answered."""

import pytest

from linnet.cli import main as cli

LINE = ("data=synthetic_regression", "data.n_train=60", "data.n_val=20", "data.n_test=20", "threads=1")
SWEEP = ("train", "-m", *LINE, "trainer.max_epochs=1", "optimizer.lr=0.01,0.1", "hydra.sweep.dir=sweep")


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which a command is refused."""
    capsys.readouterr()
    assert cli.run(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("linnet: ") and said.count("\n") == 1
    return said
