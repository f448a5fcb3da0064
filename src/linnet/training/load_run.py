"""Read a run directory: its configuration, checked again, and its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from linnet.config import check
from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.system.errors import InputError
from linnet.system.reading import read_json, read_yaml
from linnet.tracking.directory import refuse_newer
from linnet.tracking.linear_predictor import FILE as PREDICTOR
from linnet.tracking.linear_predictor import LinearPredictor, load, units
from linnet.tracking.manifest_file import check_unchanged
from linnet.tracking.weights import FILE, OPTIMUM, load_weights
from linnet.training.components import build_model


def load_config(run: Path) -> dict[str, Any]:
    """Return the job's configuration, resolved and checked as untrusted."""
    return load_hydra(run)[0]


def load_hydra(run: Path, changes: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], DictConfig]:
    """Return the job's configuration, resolved and checked as untrusted, and Hydra's own.

    Args:
        run: its directory.
        changes: dotted key -> value that takes the place of the saved one.

    Raises:
        InputError: if there is no run, or its configuration does not pass.
    """
    if not (run / "status.json").is_file():
        raise InputError(f"{run} is no run directory: it has no status.json")
    refuse_newer(run)
    try:
        job = read_yaml(run / ".hydra" / "config.yaml", run)
        hydra = read_yaml(run / ".hydra" / "hydra.yaml", run)
    except Exception as error:
        raise InputError(f"{run}: its configuration cannot be read: {str(error).splitlines()[0]}") from error
    node = OmegaConf.select(hydra, "hydra")
    if not isinstance(job, DictConfig) or not isinstance(node, DictConfig):
        raise InputError(f"{run}: its configuration is damaged, see .hydra/config.yaml and .hydra/hydra.yaml")
    for key, value in (changes or {}).items():
        OmegaConf.update(job, key, value)
    return check(DictConfig({**job, "hydra": node}), recorded=True), node


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
