"""Default number of threads of a run."""

import os

import torch

from linnet.system.errors import InputError

VARIABLE = "LINNET_THREADS"
"""Environment variable with that number."""
FOUND = torch.get_num_threads()
"""What torch found when the process began; a run before this one may have asked for another number."""


def available() -> int:
    """Return the number of threads from the environment, else from torch.

    Raises:
        InputError: the environment's value is not a number.
    """
    text = os.environ.get(VARIABLE, str(FOUND))
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{VARIABLE}={text}: expected a whole number of at least 1")
    return int(text)
