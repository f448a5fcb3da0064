"""`linnet board [DIR]`: TensorBoard over the runs below a directory."""

import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from linnet.cli.parser import Parser
from linnet.comparison.board import serve
from linnet.system.errors import InputError, Interrupted


def main(arguments: Sequence[str]) -> None:
    """Serve TensorBoard until Ctrl-C.

    Raises:
        InputError: if the directory does not exist or holds no run, or there is no serving at that host and port.
    """
    parser = Parser(prog="linnet board", description="TensorBoard over all runs below DIR.")
    parser.add_argument("dir", nargs="?", default="runs", type=Path, metavar="DIR", help="default: runs")
    parser.add_argument("--port", type=int, help="0: any free one; default: the first free one from 6006 on")
    parser.add_argument("--host", default="localhost", help="default: localhost, which only this machine reaches")
    given = parser.parse_args(arguments)
    if not given.dir.is_dir():
        raise InputError(f"board: {given.dir} is no directory; `linnet train` makes one below runs")
    if next(given.dir.rglob("events.out.tfevents.*"), None) is None:
        raise InputError(f"board: no run below {given.dir}; `linnet train` makes one below runs")
    try:
        url = serve(given.dir, given.host, given.port)
        print(f"the runs below {given.dir}: {url} (Ctrl-C to stop)", flush=True)
        wait()
    except KeyboardInterrupt as error:
        if isinstance(error, Interrupted) and error.signum != signal.SIGINT:
            raise


def wait() -> None:
    """Wait until a signal ends it."""
    threading.Event().wait()
