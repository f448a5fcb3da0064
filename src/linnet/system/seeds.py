"""Independent random streams from one seed, so that no draw depends on the number of draws before it."""

import zlib
from typing import Any

import numpy as np
import torch


def generator(seed: int, stream: str, *index: int) -> torch.Generator:
    """Create a random generator that is a pure function of its arguments.

    Args:
        seed: the run's seed, at least 0 (0 is a seed like any other).
        stream: what the numbers are for, e.g. "order", "init"; streams of different names are independent.
        index: further coordinates, e.g. the epoch.

    numpy's SeedSequence hashes the coordinates, so neighbouring seeds give unrelated streams (torch's own
    `manual_seed` does not promise that for its small states).
    """
    words: Any = [seed, zlib.crc32(stream.encode()), *index]
    if max(words) < 2**32:  # an array of such numbers is hashed like their list, in a third of the time
        words = np.array(words, dtype=np.uint32)
    low, high = np.random.SeedSequence(words).generate_state(2).tolist()
    return torch.Generator().manual_seed((high << 31) | (low >> 1))
