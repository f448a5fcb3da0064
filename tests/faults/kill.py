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
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

import linnet.training.resume

# Imported here, so that the forks need not.
import linnet.training.run
import linnet.training.train  # noqa: F401
from linnet.cli import main as cli
from linnet.comparison.runs import read_run
from linnet.data.sources.images import DISTRIBUTED
from linnet.system.reading import read_json
from linnet.tracking import Curve, read_history
from linnet.tracking.checkpoint_file import load
from linnet.tracking.directory import read_status
from linnet.tracking.events import PATTERN

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

STARTING, EARLY, FIT, AFTER, ENDED = PHASES = (
    "before the claim", "before a checkpoint", "in fit", "after fit", "completed"
)  # fmt: skip
FILE_EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.link", "os.truncate", "os.mkdir", "os.chmod", "os.listdir"}
)
MOST_KILLS = 8
"""Of one run. What follows the last checkpoint is done again by each process: where it takes most of the time, as
figures do, a run could go on for ever."""
STUCK_SECONDS = 120


class Broken(Exception):
    """A promise that was not kept."""


@dataclass(frozen=True)
class Reference:
    """What an uninterrupted run left, and how long it took: in seconds, and in file operations."""

    directory: Path
    history: dict[str, Curve]
    steps: int
    seconds: float
    operations: int


@dataclass(frozen=True)
class Moment:
    """When to kill: seconds after the start, after the claim of the directory, or after the n-th file operation."""

    kind: str
    when: float
    n: int = 0

    def __str__(self) -> str:
        return f"{self.when:.4f} s after {self.kind}{f' {self.n}' if self.n else ''}"


@dataclass
class RunningMetrics:
    """kills: (scenario, phase) -> number. ended: scenario -> runs that ended like the uninterrupted one."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)


# --- processes --------------------------------------------------------------------------------------------------------


def forked(arguments: Sequence[str], directory: Path, output: Path, moment: Moment | None = None) -> int:
    """Start `linnet ARGUMENTS` in a fork, and return its process id.

    Args:
        directory: of the run.
        output: file that what it prints is added to, and the number of its file operations at last.
        moment: that of a file operation, at which it ends itself.
    """
    pid = os.fork()
    if pid:
        return pid
    code, count, prefix = 1, 0, str(directory)
    last = moment.n if moment is not None else 0

    def hook(event: str, parameters: tuple[object, ...]) -> None:
        nonlocal count
        if event in FILE_EVENTS and str(parameters[0]).startswith(prefix):
            count += 1
            if count == last and moment is not None:
                # Without a handler SIGALRM ends a process like SIGKILL; after 0 seconds it would never come.
                signal.setitimer(signal.ITIMER_REAL, max(1e-6, moment.when))

    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.addaudithook(hook)
        code = cli.run(arguments)
        print(count)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def executed(arguments: Sequence[str], output: Path) -> int:
    """Start `python -m linnet ARGUMENTS`, and return its process id."""
    streams = [(os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666),
               (os.POSIX_SPAWN_DUP2, 1, 2)]  # fmt: skip
    words = [sys.executable, "-m", "linnet", *arguments]
    return os.posix_spawn(sys.executable, words, os.environ, file_actions=streams)


def ends(pid: int, seconds: float) -> bool:
    """Whether the process ends in that time; it stays to be waited for."""
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def killed(pid: int, directory: Path, moment: Moment | None, output: Path) -> bool:
    """Kill the process at the moment, and wait for it. False if it ended before, which must be with exit code 0."""
    if moment is not None and moment.kind != "operation":
        while moment.kind == "claim" and read_status(directory).get("pid") != pid and not ends(pid, 0.002):
            pass
        if not ends(pid, moment.when):
            os.kill(pid, signal.SIGKILL)
    stuck = not ends(pid, STUCK_SECONDS)
    if stuck:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if stuck or code not in (0, -signal.SIGKILL, -signal.SIGALRM):
        raise Broken(f"{'stuck' if stuck else f'exit code {code}'}:\n{output.read_text()[-3000:]}")
    return code != 0


# --- what they leave --------------------------------------------------------------------------------------------------


def points(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Tag -> (step, value) of all that the event files hold, in the order in which TensorBoard reads them."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(directory.glob(PATTERN)):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def scalars(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Tag -> (step, value) as TensorBoard shows them."""
    events = EventAccumulator(str(directory), size_guidance={"scalars": 0}).Reload()
    return {tag: [(point.step, point.value) for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def open_all(directory: Path, pid: int, reference: Reference) -> str:
    """Open what a killed run left as its readers would, and return the phase in which it was."""
    if not (directory / "status.json").exists():
        return STARTING
    status = read_json(directory / "status.json")
    for name in ("manifest.json", "metrics.json"):
        if (directory / name).exists():
            read_json(directory / name)
    if (directory / "weights.safetensors").exists():
        load_file(directory / "weights.safetensors")
    checkpoints = {path.name: load(path) for path in (directory / "checkpoints").glob("*.ckpt")}
    if checkpoints and "last.ckpt" not in checkpoints:
        raise Broken(f"there is no last.ckpt, only {', '.join(checkpoints)}")
    history = directory / "history.csv"
    for name, curve in (read_history(history) if history.exists() else {}).items():
        whole = reference.curves[name]
        if curve != Curve(whole.step[: len(curve.step)], whole.value[: len(curve.value)]):
            raise Broken(f"history.csv has other points of {name} than the uninterrupted run")
    if any(directory.glob(PATTERN)):
        scalars(directory)
    if read_run(directory).state != status["state"]:
        raise Broken("`linnet compare` reads another state")

    if status["pid"] != pid:
        return STARTING
    if status["state"] == "completed":
        return ENDED
    if not checkpoints:
        return EARLY
    saved = checkpoints["last.ckpt"]["linnet"]
    return AFTER if saved["stopped"] or saved["steps_done"] == reference.steps else FIT


def compare(directory: Path, uninterrupted: Path) -> None:
    """Raise Broken unless a run ended like the other one, which nobody interrupted."""
    ends = [read_json(folder / "status.json") for folder in (directory, uninterrupted)]
    for key in ("state", "epoch", "step", "kept_epoch"):
        if ends[0].get(key) != ends[1].get(key):
            raise Broken(f"{key} in status.json: {ends[0].get(key)} instead of {ends[1].get(key)}")
    for name in ("weights.safetensors", "metrics.json", "history.csv"):
        if (directory / name).read_bytes() != (uninterrupted / name).read_bytes():
            raise Broken(f"{directory / name} is not the same as {uninterrupted / name}")
    hashes = {read_json(folder / "manifest.json")["weights_sha256"] for folder in (directory, uninterrupted)}
    if len(hashes) > 1:
        raise Broken(f"weight hashes {hashes}")
    for read in (points, scalars):
        found, expected = read(directory), read(uninterrupted)
        for tag in {*found, *expected}:
            if found.get(tag) != expected.get(tag):
                raise Broken(f"{tag} in TensorBoard ({read.__name__}): {found.get(tag)} instead of {expected.get(tag)}")
    for tag, curve in scalars(directory).items():
        if any(later <= earlier for (earlier, _), (later, _) in pairwise(curve)):
            raise Broken(f"doubled points of {tag} in TensorBoard")
    if stray := files(directory) - files(uninterrupted):
        raise Broken(f"left behind: {', '.join(stray)}")


def files(directory: Path) -> set[str]:
    """What a run left, but for files that depend on when checkpoints were written, or on the state of the checkout."""
    paths = {path.relative_to(directory).as_posix() for path in directory.rglob("*")}
    besides = ("events.", "checkpoints/previous.ckpt", "uncommitted.diff")
    return {path for path in paths if not path.startswith(besides)}


# --- the experiment ---------------------------------------------------------------------------------------------------


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
