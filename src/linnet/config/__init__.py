"""Composing and checking a run's configuration. Nothing here imports torch, so mistakes are answered at once."""

from linnet.config.check import check
from linnet.config.compose import compose, session
from linnet.config.groups import EXPERIMENT, GROUPS, options

__all__ = ["EXPERIMENT", "GROUPS", "check", "compose", "options", "session"]
