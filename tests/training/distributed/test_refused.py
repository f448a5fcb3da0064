"""Several processes that cannot be had are refused before anything is made."""

from pathlib import Path

import pytest
import torch

from linnet.cli import main as cli


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["trainer.devices=2"], "trainer.devices=2: one process trains on one device, for more use trainer=ddp"),
        (["trainer=ddp", "trainer.accelerator=auto"], "trainer.accelerator=auto: trainer=ddp needs to know which"),
        (["trainer=ddp", "trainer.devices=33", "data.batch_size=32"], "more processes than examples in a minibatch"),
        (["trainer=ddp", "optimizer=exact", "loss=squared_error"], "optimizer=exact solves in one process"),
        (["--multirun", "trainer=ddp", "seed=0,1"], "trainer.devices=2: the jobs of a sweep do not divide themselves"),
        (["search=optuna", "trainer=ddp"], "trainer.devices=2: the jobs of a sweep do not divide themselves"),
    ],
)
def test_refused_before_anything_is_made(
    overrides: list[str], message: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["data=synthetic_regression"] if "optimizer=exact" in overrides else []
    assert cli.run(["train", *data, *overrides]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(workplace.iterdir())


def test_too_few_gpus(workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert cli.run(["train", "trainer=ddp", "trainer.accelerator=gpu"]) == 2
    message = "linnet: trainer.devices=2: torch finds 1 on this machine, use trainer.devices=1\n"
    assert capsys.readouterr().err == message
    assert not list(workplace.rglob("status.json"))
