"""The final weights of a run, as they lie in its directory. Imports no torch."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from linnet.errors import InputError

FILE = "weights.safetensors"


def load_weights(run: Path, name: str = FILE) -> "dict[str, NDArray[np.floating[Any]]]":
    """weight `[C, D]` and, if the model has one, bias `[C]`; the file holds numbers only, so nothing is executed.

    Raises:
        InputError: if they are missing or damaged.
    """
    path = run / name
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise InputError(f"{run} holds no final weights: the run did not complete") from error
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
