"""Metrics of models on the examples that their resamples leave out."""

import math
import statistics
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from linnet.config.metric_names import CV, FOLD, STANDARD_ERROR, STD
from linnet.data import Examples
from linnet.models.linear_map import EVALUATION_ROWS, LinearMap
from linnet.models.model_resamples import ModelResamples

MOST_NAMED = 100
"""Resamples up to which the metrics of each are metrics of the run."""


@torch.no_grad()
def held_out_metrics(
    model: LinearMap, resamples: ModelResamples, train: Examples, kept: list[list[Tensor]] | None = None
) -> list[list[dict[str, float]]]:
    """Return for each resample, and for each run, loss and metrics on the examples that the resample leaves out.

    Args:
        model: the models of one or several runs.
        resamples: of each of the runs.
        train: all N examples.
        kept: takes up, for each resample, the predictions of each chunk, `[n_runs, B, C]`.
    """
    found = []
    shared = model.shared_parameters()
    for k, rows in enumerate(resamples.held_out):
        models = [None if each is None else each[k :: resamples.n_models].contiguous() for each in shared]
        predictions: list[Tensor] = []
        if len(rows):
            batches = train.batches(rows, [len(part) for part in rows.split(EVALUATION_ROWS)])
            found.append(model.evaluate_batches(batches, models, None if kept is None else predictions))
        else:  # a bootstrap sample may have every example
            found.append([{}] * (len(model.weight) // resamples.n_models))
        if kept is not None:
            kept.append(predictions)
    return found


def summarize(
    metrics: Sequence[Mapping[str, float]], *, each: bool = False, times_held_out: float = 1.0
) -> dict[str, float]:
    """Return `cv/<metric>`, the mean over the resamples that have it, and `cv/<metric>_std`, without F at least 2 nan.

    A metric that is not a number for any of them is left out, as R² of single examples.

    The standard error is deviation · √(times_held_out / F): no more values are independent than there are examples for.

    Args:
        metrics: of each resample; empty for one that diverged.
        each: whether the standard error of the mean, `…_se`, and the metric of each of up to `MOST_NAMED` resamples,
            `…_fold_<i>`, are wanted too.
        times_held_out: how often an example is held out on average, see `ModelResamples`.
    """
    found: dict[str, float] = {}
    names = next((list(each_of) for each_of in metrics if each_of), [])
    for name in names:
        key = f"{CV}{name}"
        values = values_of(metrics, name)
        if not values:
            continue
        finite = all(map(math.isfinite, values.values()))
        std = statistics.stdev(values.values()) if len(values) > 1 and finite else math.nan
        found[key] = math.fsum(values.values()) / len(values) if finite else math.nan
        found[key + STD] = std
        if each:
            found[key + STANDARD_ERROR] = std * math.sqrt(times_held_out / len(values))
        if each and len(metrics) <= MOST_NAMED:
            found |= {f"{key}{FOLD}{k}": value for k, value in values.items()}
    return found


def values_of(metrics: Sequence[Mapping[str, float]], name: str) -> dict[int, float]:
    """Return the metric of each resample that has one, by its number; R² of equal targets is not a number."""
    return {k: found[name] for k, found in enumerate(metrics) if found and not math.isnan(found[name])}


def report_undefined(metrics: Sequence[Mapping[str, float]]) -> str | None:
    """Return one line on metrics that are means over fewer resamples than there are, besides those that diverged."""
    trained = [found for found in metrics if found]
    counts = {name: len(values_of(trained, name)) for name in (trained[0] if trained else ())}
    missing = [f"{CV}{name} has {count}" for name, count in counts.items() if 0 < count < len(trained)]
    if not missing:
        return None
    return f"not defined for all {len(trained)} resamples, and a mean over those that have it: {', '.join(missing)}"
