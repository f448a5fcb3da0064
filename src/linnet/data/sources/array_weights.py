"""Example weights in a file."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.data.storage.sharded_arrays import find_shards
from linnet.data.table.messages import join_names
from linnet.system.errors import InputError


def read_weights(given: str, n_rows: int) -> Tensor:
    """Return the weights in files, over their mean, `[N]` float64.

    Args:
        given: value of data.weight.
        n_rows: N.

    Raises:
        InputError: if there are not as many, or one is negative or not finite, or all are 0.
    """
    key = f"data.weight={given}"
    shards = find_shards("data.weight", given)
    if shards.width != 1 or len(shards) != n_rows:
        raise InputError(
            f"{key} has {len(shards)} rows of width {shards.width}, expected one weight for each of the {n_rows} "
            f"training rows"
        )
    weight = np.empty((n_rows, 1))
    shards.read(0, weight)
    return normalized(key, weight[:, 0], n_rows)


def normalized(key: str, weight: NDArray[np.float64], n_rows: int) -> Tensor:
    """Return weights `[N]` over their mean, float64; errors as of `read_weights`.

    Args:
        key: what they are called in messages.
    """
    if weight.shape != (n_rows,):
        raise InputError(f"{key} has shape {list(weight.shape)}, expected [{n_rows}]")
    for wrong, what in ((~np.isfinite(weight), "not finite"), (weight < 0, "negative")):
        if wrong.any():
            rows = np.flatnonzero(wrong).tolist()
            raise InputError(f"{key}: the weight is {what} in row {join_names(rows)} (counted from 0)")
    most = weight.max()
    if most == 0:
        raise InputError(f"{key}: all weights are 0, nothing would count")
    of_most = weight / most  # whose sum cannot overflow
    return torch.from_numpy(of_most / of_most.mean())
