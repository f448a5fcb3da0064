"""Where linnet's log goes."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from linnet.system.terminal import Terminal, folded


@contextmanager
def log_only_to(handler: logging.Handler) -> Iterator[None]:
    """Send linnet's log to this handler and nowhere else inside the block; close the handler at its end."""
    logger = logging.getLogger("linnet")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.level, logger.propagate = before


class FoldedLines(logging.Formatter):
    """A message as it is, its lines folded between words."""

    def __init__(self, width: int) -> None:
        super().__init__("%(message)s")
        self.width = width

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(folded(line, self.width) for line in super().format(record).splitlines())


def fold_on_a_terminal() -> None:
    """Fold the lines that the root logger writes to standard output, if that is a terminal."""
    terminal = Terminal()
    if not terminal.is_terminal:
        return
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setFormatter(FoldedLines(terminal.width))
