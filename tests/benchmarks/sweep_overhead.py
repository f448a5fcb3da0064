"""What a job of a sweep costs beyond its training: composition, directory, logging, evaluation, files.

    python tests/benchmarks/sweep_overhead.py [--jobs 20]

A sweep over seeds on digits by the basic launcher, figures off. The seconds of training are those between the first
and the last point in each job's TensorBoard events; the rest of the sweep, from its first job on, is overhead.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from linnet.sweeps.multirun import multirun


def training_seconds(run: Path) -> float:
    """From the first to the last logged loss."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    stamps = [event.wall_time for event in events.Scalars("train/loss")]
    return max(stamps) - min(stamps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        multirun([f"hydra.sweep.dir={folder}/first", "trainer.max_epochs=1"])  # imports, and caches of the system
        start = time.perf_counter()
        multirun([f"hydra.sweep.dir={folder}/sweep", f"seed=range({given.jobs})", "trainer.max_epochs=5"])
        total = time.perf_counter() - start
        training = [training_seconds(Path(folder) / "sweep" / str(number)) for number in range(given.jobs)]
    overhead = (total - sum(training)) / given.jobs
    print(f"{given.jobs} jobs in {total:.2f} s: training {statistics.mean(training) * 1000:.0f} ms a job")
    print(f"overhead: {overhead * 1000:.0f} ms a job")


if __name__ == "__main__":
    main()
