"""A job of a sweep before it runs, and the options of the vectorized launcher."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from omegaconf import DictConfig


class Planned(NamedTuple):
    """A job before it has a number.

    identity: hash of its resolved configuration.
    words: the overrides that make it.
    config: with its `hydra` node.
    resolved: the same without that node, checked, in plain containers.
    hydra: that node in plain containers, but for what differs from job to job.
    """

    identity: str
    words: Sequence[str]
    config: DictConfig
    resolved: dict[str, Any]
    hydra: dict[str, Any]


class VectorizedOptions(NamedTuple):
    """Options of `hydra/launcher=vectorized`.

    max_models: trained at once, in all processes.
    processes: among which they are divided; None: as many as there are threads, if that pays.
    """

    max_models: int
    processes: int | None
