"""`linnet train ... init_from=RUN`: a run that begins with the final weights of another one."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from linnet.data import Data
from linnet.data.table.messages import join_names
from linnet.models import LinearNetwork
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.reading import sha256
from linnet.tracking.linear_predictor import LinearPredictor, load
from linnet.tracking.weights import FILE as FINAL, load_weights

log = logging.getLogger(__name__)

FILE = "initial_weights.safetensors"
"""In the run directory: the weights that training began with, in the units of `weights.safetensors`. With them a run is
reproduced without the run that they come from."""


def initialize(
    model: LinearNetwork, data: Data, config: Mapping[str, Any], path: Path, recorded: Path | None
) -> dict[str, Any]:
    """Set the weights that training begins with, write them to the run directory, and return what they come from.

    Args:
        model: of one model, freshly built.
        data, config: of the run; `init_from` in the latter is the run whose weights are taken.
        path: the run directory.
        recorded: file with these weights as they were recorded before, which is preferred; it may be of `path` itself.

    Raises:
        InputError: the run has no final weights, or those of another problem.
    """
    run, digest = Path(config["init_from"]), None
    if recorded is not None and recorded.is_file():
        load_initial_weights(model, recorded.parent)
    else:
        set_final_weights(model, data, run)
        digest = sha256(run / FINAL)
    found = {name: tensor.detach()[0].contiguous() for name, tensor in model.named_parameters()}
    write_atomic(path / FILE, save(found))
    log.info(f"initial weights: the final ones of {run}")
    return {"run": str(run.absolute()), "run_weights_sha256": digest, "sha256": sha256(path / FILE)}


def set_final_weights(model: LinearNetwork, data: Data, run: Path) -> None:
    """Set the weights of a model to the final ones of a run. Errors as of `initialize`."""
    _set(model, _taken(model, data, run))


def load_initial_weights(model: LinearNetwork, path: Path) -> None:
    """Set the initial weights that a run directory recorded. Raises InputError."""
    weights = {name: torch.from_numpy(array) for name, array in load_weights(path, FILE).items()}
    _check_shapes(model, weights, path / FILE)
    _set(model, weights)


@torch.no_grad()
def _set(model: LinearNetwork, weights: Mapping[str, torch.Tensor]) -> None:
    for name, parameter in model.named_parameters():
        parameter[0] = weights[name]


def _taken(model: LinearNetwork, data: Data, run: Path) -> dict[str, torch.Tensor]:
    """Return the final weights of a run, in the units and order of another run's features and outputs."""
    try:
        predictor = load(run, LinearPredictor)
    except InputError as error:
        raise InputError(f"init_from={run}: {error}") from error
    _check_kind(predictor, model, data, run)
    source = data.source
    features = _order("features", predictor.feature_names, source.feature_names, run)
    names: tuple[str, ...] = source.class_names
    if names:
        names += tuple(f"class {k}" for k in range(len(names), model.weight.shape[1]))
    elif source.preprocessing is not None and predictor.table is not None:
        names = (source.preprocessing.target.name,)
    outputs = _order("outputs", predictor.output_names if names else (), names, run)
    weight = torch.from_numpy(predictor.weight[outputs][:, features].copy())
    bias = torch.from_numpy(predictor.bias[outputs].copy())
    converted = data.in_units_of_training(weight, bias)
    if model.bias is None and bool((converted.bias != 0).any()):
        raise InputError(f"init_from={run}: its model has a bias, which model.bias=false has no place for")
    found = {"weight": converted.weight.to(model.weight.dtype)}
    if model.bias is not None:
        found["bias"] = converted.bias.to(model.weight.dtype)
    if not all(bool(tensor.isfinite().all()) for tensor in found.values()):
        raise InputError(f"init_from={run}: its weights are not finite numbers in the units of this data")
    return found


def _check_kind(predictor: LinearPredictor, model: LinearNetwork, data: Data, run: Path) -> None:
    """Raise InputError if the model of the other run is of another kind than this one."""
    source, given = data.source, f"init_from={run}"
    if predictor.task != source.task:
        raise InputError(f"{given}: it is a model of {predictor.task}, this data is for {source.task}")
    link = model.loss.link
    if predictor.link != link:
        raise InputError(f"{given}: its loss has the link {predictor.link}, that of this run {link}")
    if predictor.row_norm != source.row_norm:
        words = {True: "rows", False: "none"}
        raise InputError(
            f"{given}: it was trained with data.normalize={words[predictor.row_norm]}, this run has "
            f"data.normalize={words[source.row_norm]}"
        )
    _, n_outputs, n_features = model.weight.shape
    for what, there, here in (
        ("features", predictor.n_features, n_features), ("outputs", predictor.n_outputs, n_outputs),
    ):  # fmt: skip
        if there != here:
            raise InputError(f"{given}: its model has {there} {what}, this run has {here}")


def _order(what: str, there: tuple[str, ...], here: tuple[str, ...], run: Path) -> Any:
    """Return the position of each name in the other run; unchanged positions if one of the two has no names."""
    if not there or not here or there == here:
        return slice(None)
    places = {name: place for place, name in enumerate(there)}
    missing = [name for name in here if name not in places]
    if missing or len(places) != len(there) or len(set(here)) != len(here):
        raise InputError(
            f"init_from={run}: its model has other {what}: {join_names(there)}; this run has {join_names(here)}"
        )
    return np.array([places[name] for name in here])


def _check_shapes(model: LinearNetwork, weights: Mapping[str, torch.Tensor], file: Path) -> None:
    wanted = {name: (list(tensor.shape[1:]), tensor.dtype) for name, tensor in model.named_parameters()}
    found = {name: (list(tensor.shape), tensor.dtype) for name, tensor in weights.items()}
    if wanted != found:
        raise InputError(f"{file} holds {found}, but the run's configuration and data ask for {wanted}")
