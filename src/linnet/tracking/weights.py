"""The final weights of a run, as they lie in its directory. Imports no torch."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from linnet.system.errors import InputError
from linnet.system.reading import TENSOR_LIMIT, read_bytes

FILE = "weights.safetensors"
OPTIMUM = "optimum.safetensors"


def load_coefficients(run: Path) -> "NDArray[np.float64] | None":
    """Coefficients of the optimum `[C, 1 + D]` in the units of the data, the bias first; None if it has none there.

    Raises:
        InputError: if the file is missing or damaged.
    """
    path = run / OPTIMUM
    try:
        return load(read_bytes(path, limit=TENSOR_LIMIT)).get("coefficients")
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is missing or damaged: {error}") from error


def load_weights(run: Path, name: str = FILE) -> "dict[str, NDArray[np.floating[Any]]]":
    """weight `[C, D]` and, if the model has one, bias `[C]`; the file holds numbers only, so nothing is executed.

    Raises:
        InputError: if they are missing or damaged.
    """
    path = run / name
    try:
        return load(read_bytes(path, limit=TENSOR_LIMIT))
    except FileNotFoundError as error:
        raise InputError(f"{run} holds no final weights: the run did not complete") from error
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
