"""What a job of a sweep costs beyond its training: composition, directory, logging, evaluation, files.

    python tests/benchmarks/sweep_overhead.py [--repeats 5] [--jobs 20]

A sweep over seeds on digits by the basic launcher, figures off. The seconds of training are those between the first
and the last point in each job's TensorBoard events; the rest of the sweep, from its first job on, is overhead.
"""

import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path

from side_by_side import Candidate, parser, table
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from linnet.sweeps.multirun import multirun


def training_seconds(run: Path) -> float:
    """From the first to the last logged loss."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    stamps = [event.wall_time for event in events.Scalars("train/loss")]
    return max(stamps) - min(stamps)


def sweep(jobs: int) -> tuple[float, float]:
    """Seconds of a job, and those of its training: means over the jobs of a sweep."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        multirun([f"hydra.sweep.dir={folder}/sweep", f"seed=range({jobs})", "trainer.max_epochs=5"])
        total = time.perf_counter() - start
        training = [training_seconds(Path(folder) / "sweep" / str(number)) for number in range(jobs)]
    return total / jobs, statistics.mean(training)


def main() -> None:
    arguments = parser(__doc__, repeats=5)
    arguments.add_argument("--jobs", type=int, default=20)
    given = arguments.parse_args()
    sweep(1)  # imports, and caches of the system
    turns = [sweep(given.jobs) for _ in range(given.repeats)]
    seconds = {
        "a job": [job for job, _ in turns],
        "its training": [training for _, training in turns],
        "the rest": [job - training for job, training in turns],
    }
    # All are parts of the same sweeps, so they need not take turns.
    candidates = [Candidate(name, lambda: 0.0) for name in seconds]
    print(table(f"seconds per job of a sweep of {given.jobs} on digits, 5 epochs", candidates, seconds))


if __name__ == "__main__":
    main()
