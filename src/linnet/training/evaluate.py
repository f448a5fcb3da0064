"""Load the final weights of a run, and evaluate them on each split of its data."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from linnet.config.metric_names import HIGH, LOW
from linnet.data import Data
from linnet.data.saved import readable_again
from linnet.models import LinearNetwork
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking.directory import require_completed
from linnet.tracking.gap import distances
from linnet.tracking.linear_predictor import FILE as PREDICTOR, LinearPredictor, load
from linnet.tracking.manifest_file import check_unchanged
from linnet.tracking.records import Manifest, read_record
from linnet.tracking.run_config import load_config
from linnet.tracking.units import units
from linnet.tracking.weights import FILE, OPTIMUM, load_weights
from linnet.training import optimality
from linnet.training.components import build_data, build_model


def evaluate(run: Path) -> tuple[dict[str, float], bool]:
    """Return all metrics of the final weights, and whether the data has the checksum in the run's manifest.

    Raises:
        InputError: if the directory holds no completed run.
    """
    require_completed(run)
    config = load_config(run)
    with readable_again(run, config["data"]):
        data = build_data(config, recorded=True)
    model = load_model(run, config, data)
    metrics, _ = evaluate_parts(model, data, optimality.load(run))
    recorded = read_record(run / "manifest.json", Manifest) if (run / "manifest.json").is_file() else {}
    return metrics, data.source.has_checksum(recorded.get("data_checksum", ""))


def evaluate_parts(
    model: LinearNetwork,
    data: Data,
    analysis: ProblemAnalysis | None = None,
    known: Mapping[str, dict[str, float]] | None = None,
    *,
    keep: bool = True,
) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Return all final metrics, and the predictions `[N, C]` of each split, on the CPU.

    Splits are evaluated on the device that the model was trained on, and model and data are on the CPU afterwards.

    Keys: `train/…`, `val/…`, `test/…` as far as there are such examples; the ends of 95 % intervals of test figures,
    `test/…_ci95_low` and `test/…_ci95_high`, see `linnet.models.intervals`; `train/objective` = loss + penalty;
    with an l1 penalty `parameter/nonzero`, how many weights it has left;
    for synthetic data `parameter/weight_error` = ‖ŵ − w‖ and `parameter/bias_error` = ‖b̂ − b‖ in the units the data
    was made in, or `test/bayes_accuracy`, the accuracy that no classifier can exceed on average; with an analysis,
    `optimum/loss` = the best possible train/objective, `optimum/bound`, `optimum/gap`, `optimum/distance`, and what
    inference says of it.

    Args:
        model: a single one.
        data: the examples.
        analysis: of the training problem.
        known: split -> its metrics, if computed before for many models at once; only the test split is predicted then.
        keep: whether predictions of all splits are wanted, and not only those that the metrics need.
    """
    metrics: dict[str, float] = {}
    predictions: dict[str, torch.Tensor] = {}
    with where_trained(model, data):
        for name, part in data.splits().items():
            needed = not part.streamed and name == "test" and model.loss.task == "regression"
            if needed or (known is None and keep and not part.streamed):
                figures, found = model.evaluate(part)
                predictions[name] = found.cpu()
            elif known is None:
                (figures,) = model.evaluate_all(part)
            figures = figures if known is None else known[name]
            metrics.update({f"{name}/{key}": value for key, value in figures.items()})
    if data.test is not None:
        figures = {key: metrics[f"test/{key}"] for key in figures}
        for key, (low, high) in model.intervals(figures, predictions.get("test"), data.test).items():
            metrics |= {f"test/{key}{LOW}": low, f"test/{key}{HIGH}": high}
    with torch.no_grad():
        metrics["train/objective"] = metrics["train/loss"] + model.penalty.value(model.weight)[0].item()
        if model.penalty.proximal:
            metrics["parameter/nonzero"] = float(torch.count_nonzero(model.weight[0]))
        truth = data.source.truth
        if truth is not None:
            weight = model.weight[0].double().cpu()
            bias = torch.zeros(len(weight), dtype=torch.float64) if model.bias is None else model.bias[0].double().cpu()
            if data.scaling is not None:
                weight, bias = data.scaling.undo(weight, bias)
            metrics["parameter/weight_error"] = (weight - truth.weight).norm().item()
            metrics["parameter/bias_error"] = (bias - truth.bias).norm().item()
    if data.source.bayes_accuracy is not None:
        metrics["test/bayes_accuracy"] = data.source.bayes_accuracy
    if analysis is not None and analysis.optimum.attained:
        metrics |= optimality.metrics(analysis)
        metrics |= distances(analysis.optimum, model.weight[0], metrics["train/objective"])
    return metrics, predictions


@contextmanager
def where_trained(model: LinearNetwork, data: Data) -> Iterator[None]:
    """Move model and data to the device that the model was trained on, and back to the CPU."""
    move(model, data, model.trained_on)
    try:
        yield
    finally:
        move(model, data, torch.device("cpu"))


def move(model: LinearNetwork, data: Data, device: torch.device) -> None:
    """Move model and data to a device."""
    if model.weight.device != device:
        model.to(device)
        model.move_resamples()
    data.move_to(device)


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
