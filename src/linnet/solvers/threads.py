"""Limit small problems to one thread: several mostly wait for each other, up to a hundred times longer when busy."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

SMALL = 2_000_000
"""Multiplications of one prediction of all examples below which a second thread does not pay."""


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """Use one thread for torch and numpy if the work is small, as many as before otherwise; restore them at the end."""
    if work > SMALL:
        yield
        return
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
