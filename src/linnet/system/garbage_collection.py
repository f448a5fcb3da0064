"""Pause Python's garbage collection while almost all new objects are long-lived."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disable garbage collection inside the block, where it would scan hundreds of runs repeatedly.

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
    """Enable garbage collection, if `main` disabled it, except for the objects that exist now.

    What torch, Lightning and their like leave in memory stays until the end. Looking through it for garbage, again and
    again while it grows and once more at the end, takes a quarter of the time that importing them does.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
