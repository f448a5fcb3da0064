"""Kill runs with SIGKILL at random moments, resume them until they end, and compare with runs that nobody killed.

    OMP_NUM_THREADS=1 python tests/faults/kill.py --kills 50
    OMP_NUM_THREADS=1 python tests/faults/kill.py --kills 500 --processes 0 --only adam,early --seed 7

A moment is drawn by the clock, over the whole life of a process from its start to its end, or as the n-th time that
it opens, renames, links or removes a file of the run, and at most 2 ms later: that is where a run directory is at its
weakest, and few kills by the clock fall there. Most processes are forked from this one, which has imported everything
already; the others are `python -m linnet`.

After every kill the directory must be readable, and at the end it must hold, byte for byte, the weights, metrics and
history of the uninterrupted run, and the same TensorBoard points, each once. Exit code 1 if anything differs.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from killed_process import Moment, executed, forked, killed
from killed_run import PHASES, Reference, compare, open_all

from linnet.data.sources.images import DISTRIBUTED
from linnet.system.reading import read_json
from linnet.tracking import read_history
from linnet.tracking.checkpoint_file import load

COMMON = ("figures=false", "threads=1", "trainer.log_every_n_steps=3")
STEPS = "callbacks.checkpoint.every_n_steps"
BLOBS = ("data=gaussian_blobs", "data.n_train=300", "data.n_test=200", "data.batch_size=4", "trainer.max_epochs=3")
DIABETES = ("data=diabetes", "data.batch_size=4", "trainer.max_epochs=3")
DIGITS = ("data=digits", "data.batch_size=8", "trainer.max_epochs=2")
# Epochs of 70 to 200 minibatches, so that most checkpoints are in the middle of one.
SCENARIOS: dict[str, tuple[str, ...]] = {
    "sgd": (*DIGITS, f"{STEPS}=13"),
    "nesterov": (*DIABETES, "optimizer=momentum", "optimizer.nesterov=true", "schedule=step", "schedule.step_epochs=1",
                 f"{STEPS}=7"),
    "adam": (*BLOBS, "optimizer=adam", "schedule=cosine", "schedule.warmup_epochs=0.5", f"{STEPS}=9"),
    # Its validation loss rises after the first epoch, so that it is stopped long before its last.
    "early": (*BLOBS, "optimizer=adamw", "optimizer.lr=0.5", "callbacks=early_stopping", f"{STEPS}=17",
              "callbacks.early_stopping.patience=2", "trainer.max_epochs=30"),
    "lasso": (*DIGITS, "optimizer=adagrad", "penalty=l1", "penalty.strength=0.001", f"{STEPS}=20"),
    "rmsprop": (*DIABETES, "optimizer=rmsprop", "data.dtype=float64", "loss=huber", f"{STEPS}=10"),
    "torch_adam": (*BLOBS, "optimizer=torch_adam", "model.gradient=autograd", f"{STEPS}=11",
                   "callbacks.checkpoint.select=last"),
    "lbfgs": (*DIABETES, "data.batch_size=64", "optimizer=torch_lbfgs", "trainer.max_epochs=8", f"{STEPS}=3"),
    "seconds": (*DIGITS, "optimizer=momentum", "callbacks.checkpoint.every_n_seconds=0.05", "trainer.max_epochs=5"),
    "no_validation": (*DIABETES, "data.val_fraction=0", "optimizer=adam", f"{STEPS}=15"),
    "figures": (*BLOBS, "figures=true", "trainer.max_epochs=1", f"{STEPS}=25"),
    "fashion": ("data=fashion_mnist", "data.download=false", "trainer.max_epochs=2", "schedule=cosine", f"{STEPS}=16"),
}  # fmt: skip

MOST_KILLS = 8
"""Of one run. What follows the last checkpoint is done again by each process: where it takes most of the time, as
figures do, a run could go on for ever."""


@dataclass
class RunningMetrics:
    """kills: (scenario, phase) -> number. ended: scenario -> runs that ended like the uninterrupted one."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)


class Killer:
    """Runs of random scenarios in a folder, with a moment to be killed at drawn for each of their processes.

    Args:
        folder: of the runs.
        names: of the scenarios, taken in turn.
        kills: how many.
        processes: the share of them that hit a real process, in [0, 1].
        rng: draws all that is random.
    """

    def __init__(self, folder: Path, names: Sequence[str], kills: int, processes: float, rng: random.Random) -> None:
        self.folder, self.names, self.kills, self.processes, self.rng = folder, names, kills, processes, rng
        self.tally = RunningMetrics()
        self.reference, self.startup = cache(self._reference), cache(self._startup)

    def run(self) -> None:
        """Live until there are enough kills; raises Broken."""
        number = 0
        while self.tally.kills.total() < self.kills:
            name = self.names[number % len(self.names)]
            self.live(name, self.folder / f"{number:03d}_{name}")
            number += 1

    def live(self, name: str, directory: Path) -> None:
        """One run, from its first process to the one that is not killed."""
        reference, output, hits = self.reference(name), directory.with_suffix(".out"), []
        while True:
            enough = self.tally.kills.total() >= self.kills or len(hits) == MOST_KILLS
            real = self.rng.random() < self.processes and not enough
            moment = None if enough else self._moment(directory, reference, real)
            began = (directory / "status.json").exists()
            words = ["resume", str(directory)] if began else self._train(name, directory)
            pid = executed(words, output) if real else forked(words, directory, output, moment)
            if not killed(pid, directory, moment, output):
                break
            phase = open_all(directory, pid, reference)
            hits.append(phase)
            self.tally.kills[name, phase] += 1
            what = "process" if real else "fork"
            self.tally.by[f"{what}, by {'file operation' if moment and moment.n else 'clock'}"] += 1
            print(f"kill {self.tally.kills.total():>3}  {directory.name:<18} {words[0]:<7} {what:<8} "
                  f"{moment!s:<29} {phase}", flush=True)  # fmt: skip
        compare(directory, reference.directory)
        self.tally.ended[name] += 1
        print(f"          {directory.name:<18} ended after {len(hits)} kills: identical", flush=True)

    def _reference(self, name: str) -> Reference:
        directory, output = self.folder / f"uninterrupted_{name}", self.folder / f"uninterrupted_{name}.out"
        started = time.monotonic()
        killed(forked(self._train(name, directory), directory, output), directory, None, output)
        seconds = time.monotonic() - started
        return Reference(
            directory, read_history(directory / "history.csv"), read_json(directory / "status.json")["step"], seconds,
            int(output.read_text().split()[-1]),
        )  # fmt: skip

    def _startup(self) -> float:
        """Seconds by which a process takes longer than a fork; its run must be the same, too."""
        reference, directory = self.reference(self.names[0]), self.folder / "uninterrupted_process"
        output, started = directory.with_suffix(".out"), time.monotonic()
        killed(executed(self._train(self.names[0], directory), output), directory, None, output)
        seconds = time.monotonic() - started
        compare(directory, reference.directory)
        return max(0.0, seconds - reference.seconds)

    def _train(self, name: str, directory: Path) -> list[str]:
        return ["train", f"hydra.run.dir={directory}", *COMMON, *SCENARIOS[name]]

    def _moment(self, directory: Path, reference: Reference, real: bool) -> Moment:
        """Spread evenly over what this process has to do, about."""
        last = directory / "checkpoints" / "last.ckpt"
        done = load(last)["linnet"]["steps_done"] / reference.steps if last.exists() else 0.0
        part = self.rng.random() * (1.05 - 0.7 * done)  # however little is left to fit, it sets up and evaluates
        if real:
            # Most of its time goes by before it does anything that could break.
            early = self.rng.random() < 0.3
            return Moment("start", part * self.startup()) if early else Moment("claim", part * reference.seconds)
        if self.rng.random() < 0.4:
            delay = self.rng.choice((0.0, 0.0002, 0.002)) * self.rng.random()
            return Moment("operation", delay, 1 + int(part * reference.operations))
        return Moment(self.rng.choice(("start", "claim", "claim")), part * reference.seconds)


def report(tally: RunningMetrics, seconds: float) -> None:
    """Tables of where the kills hit, and of what came of the runs."""
    print(f"\n{'scenario':<15}{'runs':>6}{'identical':>11}{'kills':>7}   " + "  ".join(PHASES))
    for name in [*tally.ended, "all"]:
        ended = tally.ended.total() if name == "all" else tally.ended[name]
        at: Counter[str] = Counter()
        for (scenario, phase), kills in tally.kills.items():
            at[phase] += kills if name in (scenario, "all") else 0
        hits = [at[phase] for phase in PHASES]
        columns = "  ".join(f"{hit:>{len(phase)}}" for hit, phase in zip(hits, PHASES, strict=True))
        print(f"{name:<15}{ended:>6}{ended:>11}{sum(hits):>7}   {columns}")
    print("; ".join(f"{kind}: {number}" for kind, number in sorted(tally.by.items())) + f"; {seconds:.0f} s")


def main() -> int:
    """Exit code 0 if nothing differed, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="how many (50)")
    parser.add_argument("--processes", type=float, default=0.15, help="share of real processes, not forks (0.15)")
    parser.add_argument("--only", default=",".join(SCENARIOS), help="scenarios (all): %(default)s")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all that is drawn")
    parser.add_argument("--folder", type=Path, help="an empty one for the runs (a temporary one, kept after a failure)")
    given = parser.parse_args()
    folder = (given.folder or Path(tempfile.mkdtemp(prefix="linnet-kill-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["LINNET_DATA"] = str(folder / "data")
    names = [name for name in given.only.split(",") if name != "fashion" or DISTRIBUTED["FashionMNIST"].is_dir()]
    rng = random.Random(given.seed)
    rng.shuffle(names)
    killer, started = Killer(folder, names, given.kills, given.processes, rng), time.monotonic()
    try:
        killer.run()
    except Exception:
        traceback.print_exc()
        print(f"\nFAILED with --seed {given.seed}; the runs are in {folder}", flush=True)
        return 1
    report(killer.tally, time.monotonic() - started)
    if given.folder is None:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
