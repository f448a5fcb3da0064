"""A run without Lightning's Trainer leaves the files of one with it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

import linnet
from linnet.results.trained import TrainedRun
from linnet.system.reading import read_json
from linnet.tracking.events import PATTERN
from linnet.training import fit

DATA = ("data=diabetes", "data.batch_size=48", "trainer.max_epochs=4", "threads=1", "figures=false")
CASES = [
    ("optimizer=momentum", "callbacks.checkpoint.every_n_steps=3"),
    ("callbacks=early_stopping", "callbacks.early_stopping.patience=1", "optimizer.lr=0.3", "trainer.max_epochs=30"),
    ("optimizer=adam", "trainer.max_steps=13", "trainer.check_val_every_n_epoch=2", "callbacks.checkpoint.select=last"),
    ("optimizer=exact",),
    ("callbacks=early_stopping", "callbacks.early_stopping.patience=1", "optimizer.lr=0.3", "trainer.min_epochs=6",
     "callbacks.early_stopping.min_delta=9", "trainer.max_epochs=30"),
    ("data.val_fraction=0", "penalty=l1", "trainer.limit_train_batches=3"),
]  # fmt: skip


def trained(place: str, *words: str) -> TrainedRun:
    return linnet.train([*DATA, *words, f"hydra.run.dir={place}"], quiet=True)


def events(run: Path) -> list[Any]:
    (file,) = run.glob(PATTERN)
    records = [(event.step, event.summary.SerializeToString()) for event in EventFileLoader(str(file)).Load()]
    return [record for record in records if record[1]]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("words", CASES, ids=lambda words: words[0])
def test_files_are_those_of_the_trainer(words, monkeypatch):
    alone = trained("alone", *words)
    monkeypatch.setattr(fit, "needs_no_trainer", lambda context: False)
    by_trainer = trained("trainer", *words)
    for name in ("history.csv", "metrics.json", "weights.safetensors", "preprocessing.json"):
        assert (alone.directory / name).read_bytes() == (by_trainer.directory / name).read_bytes(), name
    for name in sorted(path.name for path in (by_trainer.directory / "checkpoints").iterdir()):
        one, other = (
            torch.load(run.directory / "checkpoints" / name, weights_only=True) for run in (alone, by_trainer)
        )
        for state in (one, other):
            state.get("linnet", {}).get("position", {}).clear()  # sizes of event files, whose names differ
        assert same(one, other), name
    assert events(alone.directory) == events(by_trainer.directory)
    status = [read_json(run.directory / "status.json") for run in (alone, by_trainer)]
    assert [status[0][key] for key in ("state", "epoch", "step", "kept_epoch")] == [
        status[1][key] for key in ("state", "epoch", "step", "kept_epoch")
    ]
