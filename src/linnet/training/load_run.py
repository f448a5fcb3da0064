"""Load the model of a run directory with its final weights."""

from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking.linear_predictor import FILE as PREDICTOR, LinearPredictor, load, units
from linnet.tracking.manifest_file import check_unchanged
from linnet.tracking.weights import FILE, OPTIMUM, load_weights
from linnet.training.components import build_model


def load_model(run: Path, config: dict[str, Any], data: Data) -> LinearNetwork:
    """Return the module with the run's final weights, in the units of this data.

    Those are the run's own units unless the data changed since, or an earlier version of linnet prepared it in another
    way.

    Raises:
        InputError: if the weights are missing, damaged, or of another shape than the data asks for.
    """
    check_unchanged(run, (FILE, PREDICTOR, OPTIMUM))
    model = build_model(config, data)
    weights = load_weights(run) if _has_units_of(data, run) else _converted(run, model, data)
    wanted = {name: list(tensor.shape[1:]) for name, tensor in model.named_parameters()}
    found = {name: list(array.shape) for name, array in weights.items()}
    if wanted != found:
        raise InputError(f"{run / FILE} holds {found}, but the run's configuration and data ask for {wanted}")
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            tensor[0] = torch.from_numpy(weights[name])
    return model


def _has_units_of(data: Data, run: Path) -> bool:
    """Return whether the run was trained on features and targets that were scaled and centred as the data is."""
    if not (run / PREDICTOR).is_file():
        return True
    try:
        recorded = read_json(run / PREDICTOR)
        return all(recorded.get(key) == value for key, value in units(data).items())
    except (ValueError, AttributeError) as error:
        raise InputError(f"{run / PREDICTOR} is damaged: {error}") from error


def _converted(run: Path, model: LinearNetwork, data: Data) -> dict[str, NDArray[Any]]:
    predictor = load(run, LinearPredictor)
    if predictor.weight.shape != model.weight.shape[1:]:
        return load_weights(run)  # whose shapes are refused
    found = data.in_units_of_training(torch.from_numpy(predictor.weight), torch.from_numpy(predictor.bias))
    dtype = model.weight.dtype
    weights = {"weight": found.weight.to(dtype).numpy(), "bias": found.bias.to(dtype).numpy()}
    return {name: weights[name] for name, _ in model.named_parameters()}
