"""Many runs from one command."""

from linnet.sweeps.multirun import multirun

__all__ = ["multirun"]
