"""Seconds per epoch of Fashion-MNIST: a tracked run of linnet against the loop one would write by hand.

    python tests/benchmarks/epoch.py [--repeats 7] [--epochs 5]

Both train softmax regression on the same 54000 images in batches of 256 by SGD. linnet's epoch is taken from the
time stamps in TensorBoard and so contains all that a run does: losses, gradient norms, histograms, validation on
6000 images, checkpoints, progress lines. The loop does nothing but train, with autograd, on tensors in memory. The
floor is what no implementation can leave out: the gather of the rows and the two matrix products.
"""

import argparse
import contextlib
import io
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

import linnet

BATCH_SIZE, LR = 256, 0.1
OVERRIDES = ["data=fashion_mnist", f"data.batch_size={BATCH_SIZE}", f"optimizer.lr={LR}", "figures=false"]


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
    """Row gather, x weightᵀ and gradientᵀ x, and nothing else."""
    weight, gradient, buffer = (
        torch.randn(10, x.shape[1]),
        torch.randn(10, BATCH_SIZE),
        torch.empty(BATCH_SIZE, x.shape[1]),
    )

    def epoch() -> None:
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            batch = torch.index_select(x, 0, rows, out=buffer[: len(rows)])
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="times that the candidates take turns")
    parser.add_argument("--epochs", type=int, default=5, help="epochs each time")
    given = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        train = linnet.train([*OVERRIDES, "trainer.max_epochs=1", f"hydra.run.dir={folder}/run"]).data.train
    candidates: dict[str, Callable[[], list[float]]] = {
        "linnet, tracked": lambda: tracked_run(given.epochs),
        "hand-written loop": lambda: hand_written_loop(train.x, train.y, given.epochs),
        "floor": lambda: floor(train.x, given.epochs),
    }
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(given.repeats):
        for name, run in candidates.items():
            seconds[name] += run()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ours = medians["linnet, tracked"]
    print(f"Fashion-MNIST, {len(train)} images, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'':20}{'median s/epoch':>16}{'least':>9}{'linnet/this':>13}")
    for name, median in medians.items():
        print(f"{name:20}{median:16.4f}{min(seconds[name]):9.4f}{ours / median:13.2f}")
    print(f"ratio of medians, linnet to hand-written loop: {ours / medians['hand-written loop']:.2f}")


if __name__ == "__main__":
    main()
