"""Default number of threads of a run."""

import os

import torch

from linnet.system.errors import InputError
from linnet.system.limits import MOST_THREADS

VARIABLE = "LINNET_THREADS"
"""Environment variable with that number."""
FOUND = torch.get_num_threads()
"""What torch found when the process began; a run before this one may have asked for another number."""


def available() -> int:
    """Return the number of threads from the environment, else from torch.

    Raises:
        InputError: the environment's value is no such number.
    """
    text = os.environ.get(VARIABLE, str(FOUND))
    number = int(text) if text.isdecimal() and len(text) <= len(str(MOST_THREADS)) else 0
    if not 1 <= number <= MOST_THREADS:
        raise InputError(f"{VARIABLE}={text}: expected a whole number in [1, {MOST_THREADS}]")
    return number
