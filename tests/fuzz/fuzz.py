"""Change files of runs, sweeps and inputs in any way: a command refuses in one line, notices, or answers as before.

    OMP_NUM_THREADS=1 PYTHONPATH=tests/support python tests/fuzz/fuzz.py --mutations 20000 --seed 1 [--counts FILE]

Verdicts are read off what a command prints, returns and writes:

    refused   an exit code of linnet's for that (2; 1 if the system refuses, 3 where training diverges), and one line on
              stderr, which begins with "linnet: "
    noticed   an answer that says what was changed
    equal     the same answer as without the change
    accepted  another answer, which nothing could notice or which was asked for: --accept-changed is given, the checksum
              of a checkpoint was made to fit, the file is new to linnet (an input), or the manifest has no hash of it:
              status.json, and the curves of a run that has not ended

Anything else is a fault, and makes the exit code 1: a traceback, another answer without a word, a command that takes
10 s (but for waiting for a processor) or 2 GB of memory, a process that dies, a byte changed outside of what the
command may write. Commands run in forks of this process, 50 in each.
"""

import argparse
import contextlib
import faulthandler
import gc
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from subjects import ON_INPUTS, ON_RUNS, Command, World, make
from verdicts import MEMORY, Answer, carry_out, cells, draw, judged, resident

import linnet.comparison.board_folder

# Imported here, so that the forks need not.
import linnet.comparison.figures
import linnet.inference.evaluate_file
import linnet.inference.export.as_json
import linnet.reproduction.run
import linnet.sweeps.vectorized
import linnet.training.resume
import linnet.training.run  # noqa: F401
from linnet.cli import compare, evaluate, export, inspect, predict, report, reproduce, resume, train  # noqa: F401

SECONDS = 10
"""After which a command hangs. Time in which it waits for a processor, on a busy machine, does not count."""
A_FORK = 50
VERDICTS = ("refused", "noticed", "equal", "accepted", "fault")
Counts = Counter[tuple[str, str, str]]
"""(command, kind of file, verdict) -> number."""


class Lost(Exception):
    """A fork has died, hangs, or takes too much memory; it has ended."""


class Fork:
    """A fork of this process that carries out a task, and sends what it finds.

    Args:
        task: takes the connection to send to.
        log: file for its standard streams.
    """

    def __init__(self, task: Callable[[Connection], None], log: Path) -> None:
        self.log = log
        self.connection, there = Pipe()
        sys.stdout.flush()
        self.process = os.fork()
        if self.process:
            there.close()
            return
        code = 1
        try:
            self.connection.close()
            with log.open("wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            faulthandler.enable()
            task(there)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def receive(self, seconds: float = SECONDS) -> Any:
        """Return what it sends next. Raises Lost."""
        started, waited, memory = time.monotonic(), 0.0, 0
        reason = "died"
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
            waited, memory = waiting(self.process), resident("VmRSS", self.process)
        while not self.connection.poll(0.25):
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
                taken = time.monotonic() - started - (waiting(self.process) - waited)
                growth = resident("VmRSS", self.process) - memory
                if taken > seconds:
                    reason = f"hangs: {taken:.1f} s"
                elif growth > MEMORY:
                    reason = f"{growth / 1e9:.1f} GB of memory and growing"
                else:
                    continue
                os.kill(self.process, signal.SIGABRT)  # it prints where it is
                time.sleep(0.5)
                os.kill(self.process, signal.SIGKILL)
            break
        with contextlib.suppress(EOFError, OSError):
            return self.connection.recv()
        raise Lost(f"{reason}, exit code {self.end()}\n{self.log.read_text()[-4000:]}")

    def end(self) -> int:
        """Wait for its end, and return the exit code."""
        self.connection.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def waiting(process: int) -> float:
    """Return the seconds that a process has waited for a processor."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9


def run(folder: Path, mutations: int, seed: int, keep: Callable[[Counts], object]) -> Counts:
    """Carry out mutations, print faults, and return the verdicts; those so far are given to `keep` now and then."""
    trained, log = folder / "trained", folder / "log"
    making = Fork(lambda there: there.send(make(trained)), log)
    making.receive(600)
    making.end()
    world = World(trained, folder / "work")

    def expect(there: Connection) -> None:
        for command in (*ON_RUNS, *ON_INPUTS):
            with world.fresh(command):
                there.send((command, carry_out(command)))

    expecting = Fork(expect, log)
    expected = dict(expecting.receive() for _ in (*ON_RUNS, *ON_INPUTS))
    expecting.end()
    for command, answer in expected.items():
        assert answer.code == 0, f"without any change: {command} {answer}"

    counts: Counts = Counter()
    while counts.total() < mutations:
        numbers = range(counts.total(), min(counts.total() + A_FORK, mutations))
        counts += batch(world, numbers, seed, expected, log)
        keep(counts)
    return counts


def batch(
    world: World, numbers: range, seed: int, expected: Mapping[Command, Answer], log: Path
) -> Counts:  # fmt: skip
    """Carry out mutations in one fork, as many as it survives, and return the verdicts."""
    pairs = cells(world.trained)

    def work(there: Connection) -> None:
        for number in numbers:
            case, rng = draw(pairs, seed, number)
            for said in judged(case, rng, world, expected):
                there.send(said)

    fork, counts = Fork(work, log), Counter()
    for number in numbers:
        case, said = draw(pairs, seed, number)[0], ("", "")
        try:
            said = fork.receive()
            verdict, fault = fork.receive()
        except Lost as error:
            verdict, fault = "fault", str(error)
            world.restore(case.command)
        counts[case.command.name, case.kind, verdict] += 1
        if verdict == "fault":
            print(f"FAULT {number}: {'; '.join(said)}\n{fault}\n", flush=True)
        if fork.connection.closed:
            return counts
    fork.end()
    return counts


def table(counts: Counts) -> str:
    """Return numbers of verdicts by command and kind of file, and in all."""
    lines = [f"{'command':<28}{'kind of file':<28}" + "".join(f"{verdict:>10}" for verdict in VERDICTS)]
    for name, kind in dict.fromkeys((name, kind) for name, kind, _ in sorted(counts)):
        lines.append(f"{name:<28}{kind:<28}" + "".join(f"{counts[name, kind, verdict]:>10}" for verdict in VERDICTS))
    total = [sum(count for (_, _, verdict), count in counts.items() if verdict == wanted) for wanted in VERDICTS]
    lines.append(f"{'all':<28}{counts.total():<28}" + "".join(f"{number:>10}" for number in total))
    return "\n".join(lines)


def read_counts(path: Path | None) -> Counts:
    """Return the verdicts that a file holds; none without a file."""
    if path is None or not path.exists():
        return Counter()
    return Counter({(name, kind, verdict): count for name, kind, verdict, count in json.loads(path.read_text())})


def write_counts(path: Path | None, counts: Counts) -> None:
    """Write verdicts to a file, if there is to be one."""
    if path is not None:
        path.write_text(json.dumps([[*key, count] for key, count in sorted(counts.items())]))


def main() -> int:
    """Return 0 if there is no fault, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mutations", type=int, default=300, help="how many (300)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (0)")
    parser.add_argument("--folder", type=Path, help="an empty one for the runs, best in memory (a temporary one)")
    parser.add_argument("--counts", type=Path, help="a file of the numbers so far, to which these are added")
    given = parser.parse_args()
    torch.set_num_threads(1)
    gc.freeze()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="linnet-fuzz-") as temporary:
        folder = (given.folder or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        # Without a checkout, which may change meanwhile and would be part of what is compared.
        os.environ.update(LINNET_DATA=str(folder / "data"), LINNET_THREADS="1", GIT_DIR=os.devnull)
        before = read_counts(given.counts)
        counts = run(folder, given.mutations, given.seed, lambda counts: write_counts(given.counts, before + counts))
    faults = sum(count for (_, _, verdict), count in counts.items() if verdict == "fault")
    print(f"{counts.total()} mutations, seed {given.seed}, {faults} faults, {time.monotonic() - started:.0f} s")
    print(table(before + counts))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
