"""Processes of linnet that are started to be killed: forks of this process, and processes of their own."""

import os
import select
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Imported here, so that the forks need not.
import linnet.training.resume
import linnet.training.run
import linnet.training.train  # noqa: F401
from linnet.cli import main as cli
from linnet.tracking.directory import read_status

FILE_EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.link", "os.truncate", "os.mkdir", "os.chmod", "os.listdir"}
)
STUCK_SECONDS = 120


class Broken(Exception):
    """A promise that was not kept."""


@dataclass(frozen=True)
class Moment:
    """When to kill: seconds after the start, after the claim of the directory, or after the n-th file operation."""

    kind: str
    when: float
    n: int = 0

    def __str__(self) -> str:
        return f"{self.when:.4f} s after {self.kind}{f' {self.n}' if self.n else ''}"


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


def descendants(process: int) -> set[tuple[int, str]]:
    """Return process ids and start times of all processes below one, but for those that have ended."""
    children: dict[int, list[tuple[int, str]]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        if fields[0] not in "ZX":
            children.setdefault(int(fields[1]), []).append((int(name.split()[0]), fields[19]))
    found: set[tuple[int, str]] = set()
    waiting = [process]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child[0])
    return found


def reaped() -> bool:
    """Take notice of a process that has ended and was left to this one; return whether there was any."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False
