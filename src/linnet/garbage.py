"""When Python looks for garbage: never while almost all that is made is there to stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_until_the_end() -> Iterator[None]:
    """Look for no garbage within. Hundreds of configurations and runs would be gone through again and again.

    Not for training, which may take hours: what Lightning leaves in each epoch would stay.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
