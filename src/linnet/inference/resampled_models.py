"""Read the models of a run's resamples, for features in the units of the data. Imports no torch."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from linnet.system.errors import InputError
from linnet.system.reading import read_json, read_safetensors
from linnet.tracking.linear_predictor import FILE, Floats, LinearPredictor
from linnet.tracking.manifest_file import check_unchanged
from linnet.tracking.units import in_units_of_data
from linnet.tracking.weights import ACCELERATION, HELD_OUT_ERROR, QUANTILE, RESAMPLES, load_weights

FOLDS = "resamples.safetensors"


class ResampledModels(NamedTuple):
    """Models that were trained on F resamples of N training examples.

    weight: `[F, C, D]`.
    bias: `[F, C]`, 0 without a bias.
    errors: of each example by the model of the fold that leaves it out, `[N, C]`, of classes `[N, 1]`; None where
        several models leave it out; see `linnet.training.resample_statistics`.
    acceleration: of the coefficients, `[C, 1 + D]` with the bias first; None where it is not known.
    quantile: of their BCa intervals; None: the normal one.
    """

    weight: Floats
    bias: Floats
    errors: Floats | None
    acceleration: Floats | None
    quantile: float | None = None

    @property
    def coefficients(self) -> Floats:
        """Bias and weights, `[F, C, 1 + D]`."""
        return np.concatenate([self.bias[:, :, None], self.weight], axis=2)


def load_resampled_models(run: Path, predictor: LinearPredictor) -> ResampledModels:
    """Return the models of a completed run's resamples.

    Raises:
        InputError: their file is missing or damaged.
    """
    check_unchanged(run, (RESAMPLES,))
    found = load_weights(run, RESAMPLES)
    if any(values.dtype.kind != "f" for values in found.values()):
        raise InputError(f"{run / RESAMPLES} is damaged: it holds other numbers than real ones")
    weight = found.get("weight", np.zeros(0)).astype(np.float64)
    bias = found["bias"].astype(np.float64) if "bias" in found else np.zeros(weight.shape[:2])
    errors, acceleration = _float64(found.get(HELD_OUT_ERROR)), _float64(found.get(ACCELERATION))
    quantile = _float64(found.get(QUANTILE))
    c, d = predictor.n_outputs, predictor.n_features
    width = 1 if predictor.task == "classification" else c
    if (
        weight.shape[1:] != (c, d) or len(weight) == 0 or bias.shape != weight.shape[:2]
        or not _is(errors, (None, width)) or not _is(acceleration, (c, 1 + d))
        or not _is(quantile, (1,))
    ):  # fmt: skip
        shapes = {name: list(values.shape) for name, values in found.items()}
        raise InputError(f"{run / RESAMPLES} is damaged: its shapes are {shapes}")
    try:
        weight, bias = in_units_of_data(weight, bias, read_json(run / FILE))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{run / FILE} is damaged: {error}") from error
    return ResampledModels(weight, bias, errors, acceleration, None if quantile is None else float(quantile[0]))


def load_fold(run: Path, n_folds: int, n_examples: int) -> NDArray[np.int32]:
    """Return the fold that each training example was held out with `[N]`, −1: with none.

    Raises:
        InputError: the file is missing or damaged, or not of one partition of so many examples.
    """
    path = run / FOLDS
    check_unchanged(run, (FOLDS,))
    try:
        found: Any = load(read_safetensors(path)).get("fold")
    except InputError:
        raise
    except Exception as error:  # whatever a damaged file makes of the reader
        raise InputError(f"{path} is missing or damaged: {error}") from error
    if found is None or found.shape != (1, n_examples) or found.dtype != np.int32 or found.max() >= n_folds:
        raise InputError(f"{path} is damaged: it is not one partition of {n_examples} examples into {n_folds} folds")
    return np.asarray(found[0])


def _is(array: NDArray[Any] | None, shape: tuple[int | None, ...]) -> bool:
    """Return whether an array is absent, or of this shape; None: of any size."""
    if array is None:
        return True
    return array.ndim == len(shape) and all(want in (None, size) for size, want in zip(array.shape, shape, strict=True))


def _float64(array: NDArray[Any] | None) -> Floats | None:
    return None if array is None else array.astype(np.float64)
