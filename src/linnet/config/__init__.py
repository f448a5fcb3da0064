"""Composing and checking a run's configuration. Nothing here imports torch, so mistakes are answered at once."""

from linnet.config.check import check
from linnet.config.check_options import check_options
from linnet.config.compose import compose, compose_sweep, session
from linnet.config.groups import EXPERIMENT, GROUPS, options
from linnet.config.identity import config_hash

__all__ = [
    "EXPERIMENT",
    "GROUPS",
    "check",
    "check_options",
    "compose",
    "compose_sweep",
    "config_hash",
    "options",
    "session",
]
