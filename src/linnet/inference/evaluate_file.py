"""`linnet evaluate RUN --input F`: evaluate a completed run on a labelled file; needs nothing but its directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from linnet.config.check_options import declared
from linnet.config.metric_names import HIGH, LOW
from linnet.config.own_parts import named_nodes
from linnet.data.table.messages import count_words, join_names
from linnet.inference.labelled_rows import Labelled, LabelledFile, read_labelled
from linnet.inference.predictor import load_predictor
from linnet.losses import Loss
from linnet.models.intervals import SHARES, Intervals, bootstrap_intervals, wilson_interval
from linnet.models.own_metrics import OwnMetrics
from linnet.models.running_metrics import AbsentClassMetrics, ClassificationMetrics, RegressionMetrics
from linnet.system.errors import InputError
from linnet.tracking.run_config import load_config
from linnet.training.components import make


def evaluate_file(run: Path, given: LabelledFile) -> tuple[dict[str, float], int, list[str]]:
    """Return metrics of the final weights on a labelled file, the number of rows used, and notes on the file.

    Keys and meanings are those of the test metrics of a run, `test/loss`, `test/mse`, `test/accuracy_ci95_low` and so
    on, all in float64. Rows of a class that the model does not have count as wrong, and are left out of the metrics
    that need its probability: loss, nll and kl_divergence.

    Raises:
        InputError: if there is no completed run, or the file does not fit it.
    """
    predictor, config = load_predictor(run), load_config(run)
    found = read_labelled(predictor, given)
    loss: Loss = make(config["loss"])
    own = OwnMetrics({name: make(node) for name, node in named_nodes(config, "metric").items()})
    metrics, intervals = (_regression if predictor.task == "regression" else _classification)(found, loss, own)
    for key, (low, high) in intervals.items():
        metrics |= {f"{key}{LOW}": low, f"{key}{HIGH}": high}
    notes = list(found.notes)
    if found.unseen:
        n_rows = sum(found.unseen.values())
        notes.append(
            f"{count_words(n_rows, 'row')} of classes that the model does not have ({join_names(found.unseen)}): "
            f"counted as wrong, and left out of loss, nll and kl_divergence"
        )
    return {f"test/{key}": value for key, value in metrics.items()}, len(found.scores), notes


def weight_column(config: Mapping[str, Any]) -> str | None:
    """Return the column of example weights of a run that was trained on a table, if it has one."""
    data = config["data"]
    return data["weight"] if declared(data).is_table else None


def _regression(found: Labelled, loss: Loss, own: OwnMetrics) -> tuple[dict[str, float], Intervals]:
    scores, y = torch.from_numpy(found.scores), torch.from_numpy(found.y)
    prediction, running = loss.mean(scores[None])[0], RegressionMetrics()
    running.update(prediction[None], y)
    (of_others,) = own.compute([prediction[None]], [y])
    metrics = {"loss": _loss(found, loss, scores, y), **running.compute()[0], **of_others}
    return metrics, bootstrap_intervals(prediction, y)


def _classification(found: Labelled, loss: Loss, own: OwnMetrics) -> tuple[dict[str, float], Intervals]:
    scores, y = torch.from_numpy(found.scores), torch.from_numpy(found.y)
    smoothing = float(getattr(loss, "label_smoothing", 0.0))
    if not bool((y >= 0).any()):
        raise InputError(f"the model has none of the classes in the file ({join_names(found.unseen)})")
    given = 1, scores.shape[1], smoothing, scores
    running = AbsentClassMetrics(*given, len(found.unseen)) if found.unseen else ClassificationMetrics(*given)
    running.update(scores[None], y)
    metrics = running.compute()[0]
    intervals = {key: wilson_interval(metrics[key], len(scores)) for key in SHARES}
    (of_others,) = own.compute([scores[None]], [y])
    return {"loss": _loss(found, loss, scores, y), **metrics, **of_others}, intervals


def _loss(found: Labelled, loss: Loss, scores: torch.Tensor, y: torch.Tensor) -> float:
    """Return Σ weight loss / Σ weight, over rows of classes that the model has."""
    counted = torch.ones(len(y), dtype=torch.bool) if loss.task == "regression" else y >= 0
    values = loss.value(scores[None, counted], y[counted])[0]
    if found.weight is None:
        return values.mean().item()
    weight = torch.from_numpy(found.weight)[counted]
    if float(weight.max()) == 0:
        raise InputError("all weights in the file are 0: nothing counts in the loss")
    weight = weight / weight.max()  # whose sum cannot overflow
    return float((weight * values).sum() / weight.sum())
