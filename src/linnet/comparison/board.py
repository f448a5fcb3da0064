"""Serve TensorBoard from a thread of this process."""

import io
import logging
import threading
import time
from collections.abc import Set
from contextlib import redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from linnet.comparison.board_folder import BoardFolder
from linnet.comparison.ranking import SCORES
from linnet.system.errors import InputError
from linnet.system.writing import safe_name
from linnet.tracking.tags import KEPT, LOG10

LOOK_SECONDS = 5.0
"""Between two looks at the runs, at least."""
SHARE = 0.05
"""Of the time, at most this is spent on looking."""
FIRST_SECONDS = 3.0
"""Waited for the first look, so that TensorBoard's own first one finds the runs."""
FIRST = [f"{split}/{metric}" for split in ("val", "cv", "test") for metric in ("loss", *SCORES)]
"""Metrics that HPARAMS shows first."""


def serve(directory: Path, host: str = "localhost", port: int | None = None) -> str:
    """Start TensorBoard over the runs below a directory, and return its address; it ends with this process.

    Args:
        directory: a run, or runs at any depth. Each is shown once, as it is now, and new ones as they begin.
        host: "localhost" is what only this machine reaches.
        port: 0: any free one; None: the first free one from 6006 on.

    Raises:
        InputError: there is no serving at that host and port.
    """
    from tensorboard.program import TensorBoard, TensorBoardPortInUseError, TensorBoardServerException

    from linnet.system.compat.hparams_plugin import plugins

    logging.getLogger("tensorboard").setLevel(logging.WARNING)  # a run before it may have asked all loggers for more
    temporary = TemporaryDirectory(prefix="linnet-board-", ignore_cleanup_errors=True)
    folder = Path(temporary.name) / safe_name(directory.resolve().name)  # shown on the page
    folder.mkdir()
    runs = BoardFolder(directory.resolve(), folder)
    _keep_current(runs, temporary)
    board = TensorBoard(plugins(lambda experiment: arrange(experiment, runs.swept)))
    board.configure(logdir=str(folder), host=host, port=port, window_title="linnet")
    said = io.StringIO()  # an advertisement for its faster way of loading, and before SystemExit the reason
    try:
        with redirect_stderr(said):
            return str(board.launch())
    except TensorBoardPortInUseError as error:
        temporary.cleanup()
        raise InputError(f"board: port {port} is in use, give another or leave --port out") from error
    except (TensorBoardServerException, OSError, OverflowError, SystemExit) as error:
        reason = said.getvalue().strip().rpartition("\n")[2] if isinstance(error, SystemExit) else error
        temporary.cleanup()
        at = host if port is None else f"{host}, port {port}"
        raise InputError(f"board: cannot serve at {at}: {reason}") from error


def _keep_current(board: BoardFolder, temporary: "TemporaryDirectory[str]") -> None:
    """Update a folder from a thread until this process ends, which removes the temporary directory that it is in."""
    looked = threading.Event()

    def look() -> None:
        while Path(temporary.name).is_dir():
            began = time.monotonic()
            try:
                board.update()
            except OSError:  # runs come and go meanwhile
                logging.getLogger(__name__).debug("a run changed while it was read", exc_info=True)
            looked.set()
            time.sleep(max(LOOK_SECONDS, (time.monotonic() - began) / SHARE))

    threading.Thread(target=look, name="linnet board", daemon=True).start()
    looked.wait(FIRST_SECONDS)


def arrange(experiment: Any, swept: Set[str]) -> None:
    """Order the columns of TensorBoard's page HPARAMS, and name final metrics as metrics.json does.

    What was swept comes first, then other hyperparameters that vary, and constants of the training problem, as
    "optimum/rank", last. Of metrics, those of the weights that were kept come first; of a curve of the same name there
    is the last point.

    Args:
        experiment: an `Experiment` of TensorBoard's.
        swept: hyperparameters in which runs differ from those beside them.
    """

    def place(info: Any) -> tuple[bool, bool, bool, str]:
        return "/" in info.name, not info.differs, info.name.removesuffix(LOG10) not in swept, info.name

    hparams = sorted(experiment.hparam_infos, key=place)
    kept = {info.name.tag.removeprefix(KEPT) for info in experiment.metric_infos if info.name.tag.startswith(KEPT)}
    for info in experiment.metric_infos:
        tag = info.name.tag
        info.display_name = f"{tag} (last point)" if tag in kept else tag.removeprefix(KEPT)
    metrics = sorted(experiment.metric_infos, key=lambda info: _rank(info.name.tag, kept))
    for found, field in ((hparams, experiment.hparam_infos), (metrics, experiment.metric_infos)):
        copies = [type(info).FromString(info.SerializeToString()) for info in found]
        del field[:]
        field.extend(copies)


def _rank(tag: str, kept: Set[str]) -> tuple[bool, int, bool, str]:
    name = tag.removeprefix(KEPT)
    return tag in kept, FIRST.index(name) if name in FIRST else len(FIRST), not tag.startswith(KEPT), name
