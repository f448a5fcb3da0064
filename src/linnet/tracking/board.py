"""Serve TensorBoard from a thread of this process."""

import io
import logging
from contextlib import redirect_stderr
from pathlib import Path

from linnet.system.errors import InputError

OVERVIEW = Path("comparison") / "tensorboard"
"""In the directory of a compared sweep: the same runs under the names of their overrides."""


def serve(directory: Path, host: str = "localhost", port: int | None = None) -> str:
    """Start TensorBoard over the runs below a directory, and return its address; it ends with this process.

    Args:
        directory: its overview is shown, if `linnet compare` wrote one.
        host: "localhost" is what only this machine reaches.
        port: 0: any free one; None: the first free one from 6006 on.

    Raises:
        InputError: there is no serving at that host and port.
    """
    from tensorboard.program import TensorBoard, TensorBoardPortInUseError, TensorBoardServerException

    logging.getLogger("tensorboard").setLevel(logging.WARNING)  # a run before it may have asked all loggers for more
    overview = directory / OVERVIEW
    board = TensorBoard()
    board.configure(
        logdir=str(overview if overview.is_dir() else directory), host=host, port=port, window_title="linnet"
    )
    said = io.StringIO()  # an advertisement for its faster way of loading, and before SystemExit the reason
    try:
        with redirect_stderr(said):
            return str(board.launch())
    except TensorBoardPortInUseError as error:
        raise InputError(f"board: port {port} is in use, give another or leave --port out") from error
    except (TensorBoardServerException, OSError, OverflowError, SystemExit) as error:
        reason = said.getvalue().strip().rpartition("\n")[2] if isinstance(error, SystemExit) else error
        at = host if port is None else f"{host}, port {port}"
        raise InputError(f"board: cannot serve at {at}: {reason}") from error
