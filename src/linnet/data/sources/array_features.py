"""Features of arrays in files, read without torch, except from files that only torch reads."""

import numpy as np
from numpy.typing import NDArray

from linnet.data.storage.sharded_arrays import find_shards
from linnet.system.errors import InputError


def read_features(x: str, count: int) -> NDArray[np.float64]:
    """Return the first `count` rows of `data.x`, or all if there are fewer, flattened to `[n, D]`.

    Raises:
        InputError: the files cannot be read, or a feature is not finite.
    """
    shards = find_shards("data.x", x)
    features = np.empty((min(count, len(shards)), shards.width))
    shards.read(0, features)
    if not np.isfinite(features).all():
        raise InputError(f"data.x={x}: holds values that are not finite")
    return features
