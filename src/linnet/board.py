"""`linnet board [DIR]`: TensorBoard over the runs below a directory."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from linnet.errors import InputError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"board: {message}; see `linnet board --help`")


def main(arguments: Sequence[str]) -> None:
    """Become the TensorBoard server.

    Raises:
        InputError: if the directory does not exist or holds no run.
    """
    parser = _Parser(prog="linnet board", description="TensorBoard over all runs below DIR.")
    parser.add_argument("dir", nargs="?", default="runs", type=Path, metavar="DIR", help="default: runs")
    parser.add_argument("--port", default=6006, type=int, help="default: 6006")
    parser.add_argument("--host", default="localhost", help="default: localhost, which only this machine reaches")
    given = parser.parse_args(arguments)
    if not given.dir.is_dir():
        raise InputError(f"board: {given.dir} is no directory; `linnet train` makes one below runs")
    if next(given.dir.rglob("events.out.tfevents.*"), None) is None:
        raise InputError(f"board: no run below {given.dir}; `linnet train` makes one below runs")
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(given.dir), "--port", str(given.port)]
    sys.stdout.flush()
    os.execv(sys.executable, [*command, "--host", given.host])
