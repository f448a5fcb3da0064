"""Runs for tests, and what lies in their directories."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import linnet
from linnet.results.trained import TrainedRun
from linnet.system.reading import read_json

EPOCHS = 3
INTERVAL = 7
FILES = {
    ".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml", ".lock", "manifest.json", "status.json",
    "metrics.json", "preprocessing.json", "history.csv", "train.log", "weights.safetensors",
    "checkpoints/last.ckpt", "checkpoints/best.ckpt",
}  # fmt: skip
SHORT = ("trainer.max_epochs=1", "figures=false")
# A run whose validation loss is lowest in the second of its epochs.
RESTLESS = ["data=gaussian_blobs", "data.outliers=300", "optimizer.lr=2", "trainer.max_epochs=5", "figures=false"]


def train(directory: Path, *overrides: str) -> TrainedRun:
    return linnet.train([f"hydra.run.dir={directory}", *overrides])


def files(directory: Path) -> set[str]:
    """All files of a run directory, without the events and what only some runs have."""
    paths = [path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()]
    besides = ("events.out.tfevents.", "uncommitted.diff", "optimum.safetensors", "checkpoints/previous.ckpt")
    return {path for path in paths if not path.startswith(besides)}


def weights_sha256(directory: Path) -> str:
    return read_json(directory / "manifest.json")["weights_sha256"]


def events(directory: Path) -> EventAccumulator:
    """All points of a run's TensorBoard events."""
    return EventAccumulator(str(directory), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0}).Reload()
