"""What it costs that a run can be killed, resumed and checked: ten epochs of Fashion-MNIST with all of it, and without.

    python tests/benchmarks/resilience.py [--repeats 9]

Both train as `linnet train data=fashion_mnist trainer.max_epochs=10` does, in one process, by turns. The second goes
without checkpoints, without waiting for the disk, lock, signal handlers, hashes of the written files, the look at the
git checkout, and intervals of the test figures.
"""

import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

from side_by_side import Candidate, parser, table, take_turns

import linnet
from linnet.models import SoftmaxRegression
from linnet.system import files
from linnet.system.interrupts import Interrupts
from linnet.tracking import Checkpoint, lock as directory_lock, manifest
from linnet.training import finalize

OVERRIDES = ["data=fashion_mnist", "trainer.max_epochs=10"]


@contextlib.contextmanager
def without() -> Iterator[None]:
    """Put nothing in the place of everything that makes a run hard to lose."""

    def nothing(*_: Any, **__: Any) -> Any:
        return None

    with contextlib.ExitStack() as stack:
        for target, name, stand_in in (
            (Checkpoint, "write", nothing),
            (Checkpoint, "write_best", nothing),
            (files.os, "fsync", nothing),
            (files, "sync_directory", nothing),
            (directory_lock.fcntl, "flock", nothing),
            (Interrupts, "install", nothing),
            (finalize, "sha256", lambda _: ""),
            (manifest, "_git", nothing),
            (SoftmaxRegression, "intervals", lambda *_: {}),
        ):
            stack.enter_context(mock.patch.object(target, name, stand_in))
        yield


def seconds_of_a_run() -> float:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        linnet.train([*OVERRIDES, f"hydra.run.dir={folder}/run"])
        return time.perf_counter() - start


def seconds_without() -> float:
    with without():
        return seconds_of_a_run()


def main() -> None:
    given = parser(__doc__, repeats=9).parse_args()
    seconds_of_a_run()  # reads the data into the system's cache
    candidates = [
        Candidate("as it is", seconds_of_a_run),
        Candidate("nothing kept or checked", seconds_without),
    ]
    seconds = take_turns(candidates, given.repeats)
    print(table("seconds per run of 10 epochs of Fashion-MNIST", candidates, seconds))


if __name__ == "__main__":
    main()
