"""Stop runs and sweeps by signals at random: they end at once, leave nothing behind, and go on to equal weights.

    OMP_NUM_THREADS=2 python tests/faults/stop.py --stops 60 --seed 1

Drawn are what runs (a run, a resumed one, a sweep by each launcher, in one and two processes, with one and two
threads), the moment, over the whole life of the process, and the signal: SIGTERM, SIGINT, SIGHUP, or SIGKILL of the
driver, whose workers must notice. After it

- the process ends within 5 s, by the exit code for that signal, and all processes that it started end too;
- no directory is locked;
- `linnet resume RUN`, or the same sweep again, ends with the weights of an undisturbed run, by their hash. Jobs that
  were trained side by side with others than in the undisturbed sweep need agree to rounding only.

`kill.py` beside this script looks at single runs more closely. Exit code 1 if anything differs.
"""

import argparse
import ctypes
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from killed_process import Broken, descendants, ends, executed, forked, reaped
from stop_scenarios import CLEAN_UP, SCENARIOS, SIGNALS, command, compare, is_sweep, runs, schedule

import linnet.sweeps.multirun
import linnet.sweeps.vectorized  # noqa: F401 - so that the forks need not
from linnet.tracking.directory import is_owned

ENDED_WITHIN = 5.0
PATIENCE = 180


@dataclass(frozen=True)
class Undisturbed:
    """What a run or sweep leaves that is not stopped, and the seconds that it takes."""

    folder: Path
    seconds: float


class Stopper:
    """Stops processes, and looks at what they leave.

    Args:
        folder: of the runs.
        processes: the share that are processes of their own and no forks of this one, in [0, 1].
        rng: draws all that is random.
    """

    def __init__(self, folder: Path, processes: float, rng: random.Random) -> None:
        self.folder, self.processes, self.rng = folder, processes, rng
        self.undisturbed = cache(self._undisturbed)
        self.stops: Counter[tuple[str, str]] = Counter()
        self.slowest = 0.0

    def stop(self, number: int, scenario: str, signum: signal.Signals) -> None:
        """Stop one process, and have what it did brought to its end."""
        expected, folder = self.undisturbed(scenario), self.folder / f"{number:03d}"
        output, words = folder.with_suffix(".out"), command(scenario, folder)
        if scenario.startswith("resume"):
            self._signal(scenario, words, folder, output, 0.3 * expected.seconds, signal.SIGTERM)
            words = ["resume", str(folder)] if (folder / "status.json").exists() else words
        moment = self.rng.random() * 1.1 * expected.seconds
        said = f"{scenario}, {signum.name} after {moment:.2f} s"
        try:
            self._signal(scenario, words, folder, output, moment, signum)
            until = time.monotonic() + ENDED_WITHIN
            while owned := [str(path) for path in (folder, *runs(folder)) if is_owned(path)]:
                if time.monotonic() > until:
                    raise Broken(f"still locked: {', '.join(owned)}")
                time.sleep(0.01)  # a process is a zombie as soon as its first thread is; its last one closes the files
            self._go_on(scenario, folder, output)
            compare(folder, expected.folder)
        except Broken as error:
            raise Broken(f"{number} {said}: {error}\n{output.read_text()[-3000:]}") from error
        self.stops[scenario, signum.name] += 1
        print(f"{number:>4}  {said}: equal", flush=True)
        shutil.rmtree(folder, ignore_errors=True)

    def _signal(
        self, scenario: str, words: list[str], folder: Path, output: Path, moment: float, signum: signal.Signals
    ) -> None:
        real = self.rng.random() < self.processes or scenario.startswith(CLEAN_UP)
        process = executed(words, output) if real else forked(words, folder, output)
        if ends(process, moment):
            os.waitpid(process, 0)
            return
        started = time.monotonic()
        others = descendants(process)
        os.kill(process, signum)
        ended = ends(process, ENDED_WITHIN)
        left = descendants(os.getpid()) - {entry for entry in others if entry[0] == process}
        while time.monotonic() - started < ENDED_WITHIN and left:
            time.sleep(0.05)
            left = descendants(os.getpid())
        self.slowest = max(self.slowest, time.monotonic() - started)
        for pid, _ in left:
            os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        while reaped():
            pass
        if not ended or left:
            raise Broken(
                f"after {ENDED_WITHIN:g} s {'it has not ended' if not ended else f'{len(left)} workers live on'}"
            )
        # 0 and 1: it had just ended. −N: the signal came before Python could take it.
        if code not in (0, 128 + signum, -signum):
            raise Broken(f"exit code {code}")

    def _go_on(self, scenario: str, folder: Path, output: Path) -> None:
        words = command(scenario, folder)
        if not is_sweep(scenario) and (folder / "status.json").exists():
            words = ["resume", str(folder)]
        process = executed(words, output) if scenario.startswith(CLEAN_UP) else forked(words, folder, output)
        if not ends(process, PATIENCE):
            os.kill(process, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if code != 0:
            raise Broken(f"it does not go on: exit code {code}")

    def _undisturbed(self, scenario: str) -> Undisturbed:
        folder = self.folder / f"undisturbed {scenario}".replace(" ", "_").replace(",", "")
        output, started = folder.with_suffix(".out"), time.monotonic()
        words = command(scenario, folder)
        process = executed(words, output) if scenario.startswith(CLEAN_UP) else forked(words, folder, output)
        if not ends(process, PATIENCE):
            os.kill(process, signal.SIGKILL)
        seconds = time.monotonic() - started
        if os.waitpid(process, 0)[1] != 0:
            raise Broken(f"{scenario}: undisturbed it fails\n{output.read_text()[-3000:]}")
        return Undisturbed(folder, seconds)


def main() -> int:
    """Return 0 if nothing differed, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stops", type=int, default=60, help="how many (60)")
    parser.add_argument("--processes", type=float, default=0.15, help="share of processes of their own (0.15)")
    parser.add_argument("--only", default=";".join(SCENARIOS), help="scenarios, separated by ; (all)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all that is drawn")
    parser.add_argument("--folder", type=Path, help="an empty one for the runs (a temporary one, kept after a failure)")
    given = parser.parse_args()
    folder = (given.folder or Path(tempfile.mkdtemp(prefix="linnet-stop-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["LINNET_DATA"] = str(folder / "data")
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and children inherit that
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: what a stopped process leaves becomes a child of this one
    rng = random.Random(given.seed)
    stopper, started, failed = Stopper(folder, given.processes, rng), time.monotonic(), 0
    for number, (scenario, signum) in enumerate(schedule(given.stops, given.only.split(";"), rng)):
        try:
            stopper.stop(number, scenario, signum)
        except Exception:
            traceback.print_exc()
            failed += 1
    names = [signum.name for signum in SIGNALS]
    print(f"\n{'scenario':<36}" + "".join(f"{name:>9}" for name in names))
    for scenario in dict.fromkeys(scenario for scenario, _ in stopper.stops):
        print(f"{scenario:<36}" + "".join(f"{stopper.stops[scenario, name]:>9}" for name in names))
    print(f"{'all':<36}" + "".join(f"{sum(stopper.stops[s, name] for s in SCENARIOS):>9}" for name in names))
    print(
        f"{stopper.stops.total()} stops equal, {failed} failed, the last process ended within {stopper.slowest:.1f} s; "
        f"{time.monotonic() - started:.0f} s, seed {given.seed}"
    )
    if failed:
        print(f"the runs are in {folder}")
        return 1
    if given.folder is None:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
