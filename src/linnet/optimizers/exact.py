"""The optimum itself, in place of a way towards it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exact:
    """No update rule: the run ends with the weights that `linnet.solvers` finds for its training problem."""
