"""A call of `linnet.train` or `linnet.resume` in Python."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linnet.config.python_options import overrides_of
from linnet.system.errors import InputError
from linnet.system.log import log_only_to
from linnet.training.from_python import WEIGHT, given_data, is_overrides

if TYPE_CHECKING:
    from linnet.training.finalize import FinishedRun


def train_call(
    first: Any, overrides: Any, options: Mapping[str, Any], *, y: Any, val: Any, test: Any, sample_weight: Any,
    save_data: bool, tracked: bool, quiet: bool,
) -> "FinishedRun":  # fmt: skip
    """Train one run; see `linnet.train`."""
    if not tracked:
        for name, value in {"save_data": save_data or None, "run_dir": options.get("run_dir")}.items():
            if value is not None:
                raise InputError(f"{name}: with tracked=False nothing is written, leave one of them out")
    more = {"y": y, "val": val, "test": test, WEIGHT: sample_weight}
    if is_overrides(first, y):
        if len(first) and overrides is not None:
            raise InputError("overrides were given twice: as the first argument and by name")
        for name, value in more.items():
            if value is not None:
                raise InputError(f"{name} is of data given in Python, and the first argument gives none")
        return _train(overrides_of(first if len(first) else (overrides or ()), options), tracked, quiet)
    if "data" in options:
        raise InputError("data was given twice: as the first argument and by name")
    words = overrides_of(overrides or (), options)
    with given_data(first, **more, save=save_data) as chosen:
        asked = any(word.lstrip("+").startswith(("figures=", "figure.")) for word in words)
        # To draw them takes eight times as long as such a run, whose `figures` are drawn when they are looked at.
        return _train([*chosen, *([] if asked else ["figures=false"]), *words], tracked, quiet)


def _train(words: Sequence[str], tracked: bool, quiet: bool) -> "FinishedRun":
    from linnet.training.train import train, train_untracked

    with process_as_before():
        if tracked:
            return train(words, quiet=quiet, in_python=True)
        # As a tracked run prints it.
        with log_only_to(logging.NullHandler() if quiet else logging.StreamHandler(sys.stdout)):
            return train_untracked(words, quiet=quiet)


def resume_call(
    run: str | Path, x: Any, *, y: Any, val: Any, test: Any, sample_weight: Any, max_epochs: int | None
) -> "FinishedRun":
    """Resume a run; see `linnet.resume`."""
    from linnet.training.resume import resume

    with process_as_before():
        if x is None:
            return resume(Path(run), max_epochs)
        with given_data(x, y, val=val, test=test, sample_weight=sample_weight):
            return resume(Path(run), max_epochs)


@contextmanager
def process_as_before() -> Iterator[None]:
    """Give logging and torch's number of threads back as they were: a run sets both for its whole process."""
    loggers = [logging.getLogger(name) for name in (None, "linnet.traceback")]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    n_threads = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    try:
        yield
    finally:
        for logger, handlers, level, propagate in before:
            for handler in [handler for handler in logger.handlers if handler not in handlers]:
                logger.removeHandler(handler)
                handler.close()
            for handler in [handler for handler in handlers if handler not in logger.handlers]:
                logger.addHandler(handler)
            if logger.level != level:  # to set it looks through all loggers of the process
                logger.setLevel(level)
            logger.propagate = propagate
        if (torch := sys.modules.get("torch")) is not None:
            from linnet.system.threads import FOUND  # imports torch

            torch.set_num_threads(FOUND if n_threads is None else n_threads)
