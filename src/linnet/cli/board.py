"""`linnet board [DIR]`: TensorBoard over the runs below a directory."""

import io
import signal
import threading
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path

from linnet.cli.parser import Parser
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
    # Of a compared sweep the overview, which shows the same runs under the names of their overrides.
    overview = given.dir / "comparison" / "tensorboard"
    try:
        url = _serve(overview if overview.is_dir() else given.dir, given.host, given.port)
        print(f"the runs below {given.dir}: {url} (Ctrl-C to stop)", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt as error:
        if isinstance(error, Interrupted) and error.signum != signal.SIGINT:
            raise


def _serve(directory: Path, host: str, port: int | None) -> str:
    """Start TensorBoard in a thread of its own and return its address."""
    from tensorboard.program import TensorBoard, TensorBoardPortInUseError, TensorBoardServerException

    board = TensorBoard()
    board.configure(logdir=str(directory), host=host, port=port, window_title="linnet")
    said = io.StringIO()  # an advertisement for its faster way of loading, and before SystemExit the reason
    try:
        with redirect_stderr(said):
            return board.launch()
    except TensorBoardPortInUseError as error:
        raise InputError(f"board: port {port} is in use, give another or leave --port out") from error
    except (TensorBoardServerException, OSError, OverflowError, SystemExit) as error:
        reason = said.getvalue().strip().rpartition("\n")[2] if isinstance(error, SystemExit) else error
        at = host if port is None else f"{host}, port {port}"
        raise InputError(f"board: cannot serve at {at}: {reason}") from error
