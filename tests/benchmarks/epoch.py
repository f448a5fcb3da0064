"""Seconds per epoch of Fashion-MNIST: a tracked run of linnet against what one would write instead.

    python tests/benchmarks/epoch.py [--repeats 5] [--epochs 5] [--slow-epochs 1]

All train softmax regression on the same 54000 images in batches of 256 by SGD. linnet's epoch is taken from the time
stamps in TensorBoard and so contains all that a run does: losses, gradient norms, histograms, validation on 6000
images, checkpoints, progress lines. The others do nothing but train: the hand-written loop with autograd on tensors in
memory; Lightning with a DataLoader over the same tensors, and with one over torchvision's dataset (ToTensor, no
workers), in both cases without logger, checkpoints and progress bar. The floor is what no implementation can leave
out: the gather of the rows, and the two matrix products on one batch that stays in the cache.
"""

import contextlib
import io
import itertools
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pytorch_lightning as pl
import torch
from side_by_side import Candidate, parser, table, take_turns
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms
from torchvision.datasets import FashionMNIST

import linnet
from linnet.data import Examples

BATCH_SIZE, LR = 256, 0.1
OVERRIDES = ["data=fashion_mnist", f"data.batch_size={BATCH_SIZE}", f"optimizer.lr={LR}", "figures=false"]


def training_examples() -> Examples:
    """The 54000 images that linnet trains on, and its files unpacked where torchvision looks for them."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        return linnet.train([*OVERRIDES, "trainer.max_epochs=1", f"hydra.run.dir={folder}/run"]).data.train


def tracked_run(epochs: int) -> list[float]:
    """Seconds of each epoch but the first, which starts before its first time stamp."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        linnet.train([*OVERRIDES, f"trainer.max_epochs={epochs + 1}", f"hydra.run.dir={folder}/run"])
        events = EventAccumulator(str(Path(folder) / "run"))
        events.Reload()
        stamps = [event.wall_time for event in events.Scalars("train/loss_epoch")]
    return [end - start for start, end in itertools.pairwise(stamps)]


def hand_written_loop(x: Tensor, y: Tensor, epochs: int) -> list[float]:
    model = torch.nn.Linear(x.shape[1], 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)

    def epoch() -> None:
        total = 0.0
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)

    return timed(epoch, epochs)


def floor(x: Tensor, epochs: int) -> list[float]:
    """Gathering the rows, and weight batchᵀ and gradient batch, on a batch that stays where it is."""
    weight, gradient = torch.randn(10, x.shape[1]), torch.randn(10, BATCH_SIZE)
    buffer, cached = torch.empty(BATCH_SIZE, x.shape[1]), x[:BATCH_SIZE].clone()

    def epoch() -> None:
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            torch.index_select(x, 0, rows, out=buffer[: len(rows)])
            batch = cached[: len(rows)]
            _ = weight @ batch.T
            _ = gradient[:, : len(rows)] @ batch

    return timed(epoch, epochs)


def timed(epoch: Callable[[], None], epochs: int) -> list[float]:
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - start)
    return seconds


class Softmax(pl.LightningModule):
    """As in Lightning's own examples."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(784, 10)
        self.seconds: list[float] = []

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self.linear(x.flatten(1)), y)
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=LR)

    def on_train_epoch_start(self) -> None:
        self.started = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        self.seconds.append(time.perf_counter() - self.started)


def lightning(dataset: Dataset, epochs: int) -> list[float]:
    model = Softmax()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few workers: they are part of the question
        trainer = pl.Trainer(
            accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(model, DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True))
    return model.seconds


def torchvision_dataset(size: int) -> FashionMNIST:
    root = Path(os.environ.get("LINNET_DATA") or "~/.cache/linnet").expanduser()
    dataset = FashionMNIST(str(root), train=True, transform=transforms.ToTensor())
    dataset.data, dataset.targets = dataset.data[:size], dataset.targets[:size]
    return dataset


def main() -> None:
    arguments = parser(__doc__, repeats=5)
    arguments.add_argument("--epochs", type=int, default=5, help="epochs each time")
    arguments.add_argument("--slow-epochs", type=int, default=1, help="epochs each time, of those with a DataLoader")
    given = arguments.parse_args()

    train = training_examples()
    tensors, images = TensorDataset(train.x, train.y), torchvision_dataset(len(train))
    candidates = [
        Candidate("linnet, tracked", lambda: tracked_run(given.epochs)),
        Candidate("hand-written loop", lambda: hand_written_loop(train.x, train.y, given.epochs), limit=0.70),
        Candidate("floor", lambda: floor(train.x, given.epochs), limit=1.5),
        Candidate("Lightning, TensorDataset, DataLoader", lambda: lightning(tensors, given.slow_epochs)),
        Candidate("Lightning, torchvision, DataLoader", lambda: lightning(images, given.slow_epochs), limit=1 / 30),
    ]
    seconds = take_turns(candidates, given.repeats)
    print(table(f"seconds per epoch of Fashion-MNIST, {len(train)} images in batches of 256", candidates, seconds))


if __name__ == "__main__":
    main()
