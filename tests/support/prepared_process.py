"""Processes that have imported what takes long and wait for the word to carry out a `linnet` command.

They are forks of one server, which imports once and uses no threads, so that a fork is safe.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["linnet.training.run", "linnet.training.resume", "linnet.sweeps.multirun", "linnet.cli.compare",
     "linnet.comparison.board_folder"]
)  # fmt: skip
PATIENCE = 180
"""Seconds that a loaded machine may take for what takes one."""


def carry_out(arguments: tuple[str, ...], folder: str, streams: tuple[str, str], word: Connection) -> None:
    """Redirect stdout and stderr to files, wait for the word, and be `linnet ARGUMENTS` in a folder."""
    from linnet.cli.main import main

    os.chdir(folder)
    for descriptor, name in zip((1, 2), streams, strict=True):
        os.dup2(os.open(name, os.O_WRONLY), descriptor)
    word.send("ready")
    word.recv()
    sys.argv[1:] = arguments
    main()


class Started:
    """A `linnet` command that begins at `go`."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.streams = tuple(tempfile.mkstemp()[1] for _ in range(2))
        self.word, there = FORKS.Pipe()
        self.process = FORKS.Process(target=carry_out, args=(arguments, str(cwd), self.streams, there))
        self.process.start()
        there.close()
        assert self.word.recv() == "ready"

    def go(self) -> None:
        self.word.send("go")

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)

    def end(self) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr, once it has ended."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None
        out, err = (Path(name).read_text() for name in self.streams)
        for name in self.streams:
            Path(name).unlink()
        return self.process.exitcode, out, err
