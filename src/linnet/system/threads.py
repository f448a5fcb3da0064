"""How many threads a run may have, where its configuration leaves that open."""

import os

import torch

from linnet.system.errors import InputError

VARIABLE = "LINNET_THREADS"
"""Environment variable with that number."""
FOUND = torch.get_num_threads()
"""What torch found when the process began; a run before this one may have asked for another number."""


def available() -> int:
    """What the environment says, else what torch found.

    Raises:
        InputError: the environment says something else than a number.
    """
    text = os.environ.get(VARIABLE, str(FOUND))
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{VARIABLE}={text}: expected a whole number of at least 1")
    return int(text)
