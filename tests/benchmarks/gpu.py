"""Training on one GPU against what one would write by hand for it, in one run of less than 8 minutes.

    python tests/benchmarks/gpu.py [--repeats 3] [--sections epoch,probe,sweep] [--rows 1280000]

epoch: a tracked epoch of Fashion-MNIST, with all that a run does, as in epoch.py; the hand-written loop, with autograd
and tensors on the GPU, and the same loop as one CUDA graph, do nothing but train.
probe: an epoch of softmax regression on --rows × 768 embeddings in float16, 1,000 classes, batches of 4,096, against
the hand-written float32 loop over the same numbers; and the whole command with 3 epochs, start to end.
sweep: 1,024 learning rates for 10 epochs of Fashion-MNIST side by side, and five of them alone.
"""

import contextlib
import io
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from side_by_side import Candidate, parser, table, take_turns
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

import linnet

GPU = ("trainer=gpu", "figures=false", "optimum=off", "seed=0")
FASHION = ("data=fashion_mnist", "data.batch_size=256", "optimizer.lr=0.1")
D, N_CLASSES, BATCH = 768, 1000, 4096
N_RATES = 1024
LINNET = (sys.executable, "-c", "from linnet.cli.main import main; main()")


def epochs_of(folder: Path) -> list[float]:
    """Seconds of each epoch but the first two: one starts before its time stamp, in one steps are recorded."""
    events = EventAccumulator(str(folder))
    events.Reload()
    stamps = [event.wall_time for event in events.Scalars("train/loss_epoch")]
    return [end - start for start, end in itertools.pairwise(stamps)][1:]


def tracked(*overrides: str, epochs: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        linnet.train([*GPU, *overrides, f"trainer.max_epochs={epochs + 2}", f"hydra.run.dir={folder}/run"])
        return epochs_of(Path(folder) / "run")


def by_hand(x: Tensor, y: Tensor, n_classes: int, batch: int, lr: float) -> Callable[[Tensor], None]:
    """Return an epoch of the loop that one would write, over the rows in a given order."""
    model = torch.nn.Linear(x.shape[1], n_classes, device=x.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = torch.zeros(-(-len(x) // batch), device=x.device)

    def epoch(order: Tensor) -> None:
        for step, rows in enumerate(order.split(batch)):
            loss = torch.nn.functional.cross_entropy(model(x[rows].float()), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[step] = loss.detach()

    return epoch


def timed(epoch: Callable[[], object], times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        torch.cuda.synchronize()
        start = time.perf_counter()
        epoch()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds


def as_graph(epoch: Callable[[Tensor], None], order: Tensor) -> Callable[[], object]:
    """Return an epoch as one CUDA graph, of a new order each time."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        epoch(order)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        epoch(order)

    def replay() -> None:
        order.copy_(torch.randperm(len(order)))
        graph.replay()

    return replay


def epoch_of_fashion(repeats: int, card: str) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        train = linnet.train([*FASHION, *GPU, "trainer.max_epochs=1", f"hydra.run.dir={folder}/run"]).data.train
    x, y = train.x.cuda(), train.y.cuda()
    epoch = by_hand(x, y, 10, 256, 0.1)
    graph = as_graph(epoch, torch.randperm(len(x), device="cuda"))
    candidates = [
        Candidate("linnet, tracked", lambda: tracked(*FASHION, epochs=10)),
        Candidate("one CUDA graph", lambda: timed(graph, 10), limit=1.3),
        Candidate("hand-written loop", lambda: timed(lambda: epoch(torch.randperm(len(x)).cuda()), 3), limit=1 / 8),
    ]
    seconds = take_turns(candidates, repeats)
    print(table(f"seconds per epoch of Fashion-MNIST on {card}, {len(x)} images, batches of 256", candidates, seconds))


def write_embeddings(folder: Path, n: int) -> list[str]:
    """Write n embeddings of Gaussian classes, drawn on the GPU, and return the overrides that train on them."""
    random = torch.Generator("cuda").manual_seed(0)
    means = 0.3 * torch.randn(N_CLASSES, D, device="cuda", generator=random)
    y = torch.randint(0, N_CLASSES, (n,), device="cuda", generator=random)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float16, (n, D))
    for start in range(0, n, 2**16):
        some = means[y[start : start + 2**16]]
        x[start : start + 2**16] = (
            (some + torch.randn(some.shape, device="cuda", generator=random)).half().cpu().numpy()
        )
    x.flush()
    np.save(folder / "y.npy", y.cpu().numpy())
    return [
        "data=arrays", f"data.x={folder}/x.npy", f"data.y={folder}/y.npy", "data.max_memory_mb=100000",
        f"data.batch_size={BATCH}", "optimizer.lr=0.1",
    ]  # fmt: skip


def probe(repeats: int, card: str, n: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        overrides = write_embeddings(folder, n)
        command = [
            *LINNET, "train", *GPU, *overrides, "trainer.max_epochs=3",
        ]  # fmt: skip
        whole, epochs = [], []
        for turn in range(repeats):
            start = time.perf_counter()
            run = folder / f"run{turn}"
            subprocess.run([*command, f"hydra.run.dir={run}"], check=True, stdout=subprocess.DEVNULL)
            whole.append(time.perf_counter() - start)
        epochs = tracked(*overrides, epochs=4)
        n_train = n - round(0.1 * n)
        x, y = torch.from_numpy(np.load(folder / "x.npy", mmap_mode="c")[:n_train]).cuda(), np.load(folder / "y.npy")
        x, labels = x.float(), torch.from_numpy(y[:n_train]).cuda()
    epoch = by_hand(x, labels, N_CLASSES, BATCH, 0.1)
    seconds = {"linnet, tracked": epochs, "hand-written loop": timed(lambda: epoch(torch.randperm(n_train).cuda()), 4)}
    seconds |= {"whole command, 3 epochs": whole}
    candidates = [
        Candidate("linnet, tracked", lambda: 0.0),
        Candidate("hand-written loop", lambda: 0.0, limit=1.1),
        Candidate("whole command, 3 epochs", lambda: 0.0, allowed=12.0),
    ]
    title = f"seconds per epoch of {n_train:,} x {D} float16, {N_CLASSES} classes, batches of {BATCH}, on {card}"
    print(table(title, candidates, seconds))


def sweep(card: str) -> None:
    rates = [f"{1e-3 ** (1 - k / (N_RATES - 1)):.6g}" for k in range(N_RATES)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [*FASHION[:2], *GPU, "trainer.max_epochs=10"]
        command = [*LINNET, "train"]
        more = ["-m", "hydra/launcher=vectorized", f"optimizer.lr={','.join(rates)}", f"hydra.sweep.dir={folder}/sweep"]
        start = time.perf_counter()
        subprocess.run([*command, *more, *words], check=True, stdout=subprocess.DEVNULL)
        whole = time.perf_counter() - start
        history = [epochs_of(folder / "sweep" / str(job)) for job in (0, N_RATES - 1)]
        apart = []
        for job in np.random.default_rng(0).choice(N_RATES, 5, replace=False).tolist():
            with contextlib.redirect_stdout(io.StringIO()):
                alone = linnet.train([*words, f"optimizer.lr={rates[job]}", f"hydra.run.dir={folder}/alone{job}"])
            of_sweep = json.loads((folder / "sweep" / str(job) / "metrics.json").read_text())
            apart.append(max(abs(alone.metrics[key] - of_sweep[key]) for key in ("train/loss", "test/loss")))
    print(f"{N_RATES} learning rates x 10 epochs of Fashion-MNIST on {card}")
    print(f"whole sweep {whole:.1f} s (at most 40), training {np.mean(history) * 10:.2f} s (at most 6)")
    print(f"five of them alone: losses differ by at most {max(apart):.1e} (1e-5)")


def main() -> None:
    arguments = parser(__doc__, repeats=3)
    arguments.add_argument("--sections", default="epoch,probe,sweep", help="which, separated by commas")
    arguments.add_argument("--rows", type=int, default=1_280_000, help="of the probe")
    given = arguments.parse_args()
    if not torch.cuda.is_available():
        sys.exit("torch finds no GPU on this machine")
    card = torch.cuda.get_device_name()
    chosen = given.sections.split(",")
    if "epoch" in chosen:
        epoch_of_fashion(given.repeats, card)
    if "probe" in chosen:
        probe(given.repeats, card, given.rows)
    if "sweep" in chosen:
        sweep(card)


if __name__ == "__main__":
    main()
