"""Read the final weights of a run from its directory. Imports no torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from linnet.system.errors import InputError
from linnet.system.reading import Unreadable, read_safetensors

FILE = "weights.safetensors"
OPTIMUM = "optimum.safetensors"
RESAMPLES = "resample_weights.safetensors"
HELD_OUT_ERROR, ACCELERATION, QUANTILE = "held_out_error", "acceleration", "quantile"
"""Tensors beside the weights of the resamples: errors `[N, C]`; of coefficients the acceleration `[C, 1 + D]` and the
quantile of BCa intervals `[1]`."""


T = TypeVar("T")


def load_optimum(run: Path, decode: Callable[[bytes], T]) -> T | None:
    """Return what a run recorded of its problem's optimum, decoded; None if it recorded none."""
    path = run / OPTIMUM
    if not path.exists():
        return None
    try:
        return decode(read_safetensors(path))
    except Unreadable:
        raise
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from error


def load_coefficients(run: Path) -> "NDArray[np.float64] | None":
    """Load the optimum's coefficients `[C, 1 + D]` in the units of the data, bias first; None if there are none.

    Raises:
        InputError: if the file is missing or damaged.
    """
    path = run / OPTIMUM
    try:
        return load(read_safetensors(path)).get("coefficients")
    except Unreadable:
        raise
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is missing or damaged: {error}") from error


def load_weights(run: Path, name: str = FILE) -> "dict[str, NDArray[np.floating[Any]]]":
    """Load weight `[C, D]` and, if the model has one, bias `[C]`; the file holds numbers only, nothing is executed.

    Raises:
        InputError: if they are missing or damaged.
    """
    path = run / name
    try:
        return load(read_safetensors(path))
    except FileNotFoundError as error:
        raise InputError(f"{run} holds no final weights: the run did not complete") from error
    except Unreadable:
        raise
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
