"""Pause Python's garbage collection while almost all new objects are long-lived."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disable garbage collection inside the block, which would search hundreds of runs again and again.

    Not for training, which may take hours: what Lightning leaves in each epoch would stay.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def keep_imports() -> None:
    """Collect garbage from now on, but not among what there is by now, if `main` has turned that off.

    What torch, Lightning and their like leave in memory stays until the end. Looking through it for garbage, again and
    again while it grows and once more at the end, takes a quarter of the time that importing them does.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
