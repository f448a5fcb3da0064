"""Seconds per epoch and peak resident memory against the number of examples, of features, and of models side by side.

    python tests/benchmarks/scale.py [--repeats 1] [--epochs 2]

Softmax regression on N rows of D numbers in .npy files (data=arrays), in batches of 1024: in memory where they fit into
data.max_memory_mb=256, else read by blocks. Then K learning rates on data=synthetic_regression, trained side by side
(hydra/launcher=vectorized). An epoch is taken from the time stamps in TensorBoard, and so contains all that a run does.
Each row is a process of its own; what torch, Lightning and their like take once imported stands beside its peak. Linux.
"""

import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from side_by_side import machine, parser
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROWS, COLUMNS, MODELS = (10_000, 100_000, 1_000_000, 10_000_000), (10, 100, 1000, 3000), (1, 16, 64, 256)
N_COLUMNS, N_ROWS, N_CLASSES = 20, 10_000, 5
COMMON = ["figures=false", "optimum=off"]
MEASURED = """
import json, pathlib
import linnet.training.run
from linnet.cli.main import main

def peak():  # in MiB; ru_maxrss would begin with that of the process that started this one
    return int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

imported = peak()
try:
    main()
finally:
    print()
    print(json.dumps([imported, peak()]))
"""


def write_arrays(folder: Path, n: int, d: int) -> list[str]:
    """Normal features and classes that follow from them; the overrides that name the files."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(d, N_CLASSES)).astype(np.float32)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (n, d))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.uint8, (n,))
    for start in range(0, n, 100_000):
        part = rng.standard_normal((min(100_000, n - start), d), np.float32)
        x[start : start + len(part)], y[start : start + len(part)] = part, (part @ weight).argmax(axis=1)
    return [
        "data=arrays", f"data.x={folder}/x.npy", f"data.y={folder}/y.npy", "data.max_memory_mb=256",
        "data.batch_size=1024", "data.standardize=false",
    ]  # fmt: skip


def measured(run: Path, arguments: Sequence[str]) -> tuple[list[float], float, float]:
    """Seconds of each epoch but the first, and the memory in MiB after the imports, and at most.

    Args:
        run: the directory, of the first job if there are several, that the run will have.
        arguments: of linnet.

    Raises:
        RuntimeError: the run failed.
    """
    ended = subprocess.run([sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"linnet {' '.join(arguments)}: exit code {ended.returncode}\n{ended.stderr}")
    imported, peak = json.loads(ended.stdout.splitlines()[-1])
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    stamps = [event.wall_time for event in events.Scalars("train/loss_epoch")]
    return [end - start for start, end in itertools.pairwise(stamps)], imported, peak


def on_arrays(n: int, d: int, epochs: int) -> tuple[list[float], float, float]:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        overrides = [*COMMON, *write_arrays(Path(folder), n, d), f"trainer.max_epochs={epochs + 1}"]
        return measured(run, ["train", *overrides, f"hydra.run.dir={run}"])


def side_by_side(k: int, epochs: int) -> tuple[list[float], float, float]:
    with tempfile.TemporaryDirectory() as folder:
        sweep = Path(folder) / "sweep"
        rates = ",".join(f"{0.1 * (i + 1) / k:.6g}" for i in range(k))
        overrides = [
            *COMMON, "data=synthetic_regression", f"trainer.max_epochs={epochs + 1}", f"optimizer.lr={rates}",
            f"hydra.sweep.dir={sweep}", "hydra/launcher=vectorized",
        ]  # fmt: skip
        alone = ["train", *overrides[:-2], f"hydra.run.dir={sweep / '0'}"]
        return measured(sweep / "0", ["train", "--multirun", *overrides] if k > 1 else alone)


def main() -> None:
    arguments = parser(__doc__, repeats=1)
    arguments.add_argument("--epochs", type=int, default=2, help="timed in each run")
    given = arguments.parse_args()
    runs = {f"N = {n:,}, D = {N_COLUMNS}": (on_arrays, n, N_COLUMNS) for n in ROWS}
    runs |= {f"N = {N_ROWS:,}, D = {d}": (on_arrays, N_ROWS, d) for d in COLUMNS}
    runs |= {f"K = {k} on 1,000 rows of 2": (side_by_side, k) for k in MODELS}
    heads = ["", "median s", "least s", "epochs", "imported MiB", "peak MiB"]
    rows = []
    for name, (function, *sizes) in runs.items():
        turns = [function(*sizes, given.epochs) for _ in range(given.repeats)]
        seconds = [second for turn in turns for second in turn[0]]
        memory = [f"{max(turn[column] for turn in turns):.0f}" for column in (1, 2)]
        median = statistics.median(seconds)
        rows.append([name, f"{median:.4g}", f"{min(seconds):.4g}", str(len(seconds)), *memory])
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    print("seconds per epoch, and resident memory of the process")
    for row in (heads, *rows):
        print("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip())
    print(machine())


if __name__ == "__main__":
    main()
