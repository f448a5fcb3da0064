"""Whether the targets in files of arrays are classes or numbers. Imports no torch."""

from typing import Literal

from linnet.data.storage import class_labels
from linnet.data.storage.sharded_arrays import find_shards
from linnet.data.storage.whole_arrays import TORCH
from linnet.system.errors import InputError


def infer_task(y: str) -> Literal["regression", "classification"]:
    """Return what the targets in `data.y` are for.

    Raises:
        InputError: the files cannot be read, or only torch can read them.
    """
    if y.partition(":")[0].endswith(TORCH):
        raise InputError(
            f"data.y={y}: whether it holds classes or numbers is only seen once torch has read it: give "
            f"data.task=classification or data.task=regression"
        )
    return class_labels.infer_task(find_shards("data.y", y, text=True))
