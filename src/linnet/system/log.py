"""Where linnet's log goes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


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
