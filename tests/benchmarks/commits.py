"""Seconds and peak memory of common commands, in this checkout and at another commit of it, by turns.

    python tests/benchmarks/commits.py COMMIT [--repeats 5]

For whoever has changed something: no slower and no more memory elsewhere? Not part of `make bench`. Both run in this
environment, each command in a new process; `evaluate` and `compare` are given what the commands before them left.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from side_by_side import machine, parser

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "--help": "--help",
    "train, digits": "train",
    "train, diabetes, exact": "train data=diabetes optimizer=exact",
    "train, synthetic, 100 epochs": "train data=synthetic_regression trainer.max_epochs=100 figures=false",
    "train, Adam and l2": "train optimizer=adam penalty=l2 figures=false",
    "train, autograd, torch's parts": "train model.gradient=autograd loss=torch_cross_entropy optimizer=torch_sgd",
    "train, Fashion-MNIST": "train data=fashion_mnist trainer.max_epochs=10 hydra.run.dir=run",
    "evaluate, Fashion-MNIST": "evaluate run",
    "sweep, 8 seeds of digits": "train -m seed=range(8) trainer.max_epochs=5 hydra.sweep.dir=sweep",
    "compare, those 8": "compare sweep",
}
SHARED = ("run", "sweep")
"""What later commands read, and is made again each time."""


def source_of(commit: str, folder: Path) -> Path:
    """Where Python finds the package as it was at a commit, with its configurations inside as when it is installed."""
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    for name in ("conf", "experiments"):
        (folder / "src" / "linnet" / name).symlink_to(folder / name)
    return folder / "src"


def measure(source: Path | None, words: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a command of the package there, or of the installed one.

    Raises:
        RuntimeError: it failed.
    """
    for name in SHARED:
        if f".dir={name}" in words:
            subprocess.run(["rm", "-rf", folder / name], check=True)
    environment = dict(os.environ) if source is None else {**os.environ, "PYTHONPATH": str(source)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "linnet", *words.split()], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"linnet {words}: exit code {process.returncode} with {source or 'this checkout'}")
    return took, usage.ru_maxrss / 1024


def main() -> None:
    arguments = parser(__doc__, repeats=5)
    arguments.add_argument("commit", help="what to compare this checkout with")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        places = {key: temporary / key for key in ("checkout", "before", "after")}
        for place in places.values():
            place.mkdir()
        sources = {"before": source_of(given.commit, places["checkout"]), "after": None}
        print(f"seconds and peak MiB at {given.commit} (before) and now (after), medians of {given.repeats} turns")
        print(f"{'':32}{'before s':>10}{'after s':>10}{'ratio':>8}{'before MiB':>12}{'after MiB':>11}{'ratio':>8}")
        for title, words in COMMANDS.items():
            found: dict[str, list[tuple[float, float]]] = {"before": [], "after": []}
            for turn in range(given.repeats + 1):
                for key, source in sources.items():
                    measured = measure(source, words, places[key])
                    if turn:  # the first brings files into memory
                        found[key].append(measured)
            seconds, memory = (
                [median(values[column] for values in found[key]) for key in ("before", "after")] for column in (0, 1)
            )
            print(
                f"{title:32}{seconds[0]:10.2f}{seconds[1]:10.2f}{seconds[1] / seconds[0]:8.2f}{memory[0]:12.0f}"
                f"{memory[1]:11.0f}{memory[1] / memory[0]:8.2f}",
                flush=True,
            )
    print(machine())


if __name__ == "__main__":
    main()
