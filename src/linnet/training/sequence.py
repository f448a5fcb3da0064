"""Jobs of a sweep that are solved one after the other in one process share their data, and start from each other."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from linnet.config.check_options import is_exact
from linnet.data import Data
from linnet.solvers.blockwise.solve import warm_starts

OF_EACH = ("penalty", "name", "tags", "notes", "figures", "objective")
"""Groups and keys in which jobs with the same data may differ."""


@dataclass
class _Shared:
    config: dict[str, Any] | None = None
    data: Data | None = None


_shared: ContextVar[_Shared | None] = ContextVar("shared", default=None)


@contextmanager
def shared_data() -> Iterator[None]:
    """Let jobs with `optimizer=exact` inside the block share their data, read once, and start from the last optimum."""
    token = _shared.set(_Shared())
    try:
        with warm_starts():
            yield
    finally:
        _shared.reset(token)


def data_of(config: Mapping[str, Any], build: Callable[[], Data]) -> Data:
    """Return the data of a job: inside `shared_data` that of the job before it, if only its penalty may differ.

    Args:
        config: of the job, checked.
        build: makes the data.
    """
    shared = _shared.get()
    if shared is None or not is_exact(config):
        return build()
    key = {name: value for name, value in config.items() if name not in OF_EACH}
    if shared.data is None or shared.config != key:
        shared.data = None  # before other data takes its memory
        shared.data, shared.config = build(), key
    return shared.data
