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


def summarize(metrics: Sequence[Mapping[str, float]], *, each: bool = False) -> dict[str, float]:
    """Return `cv/<metric>`, the mean over the resamples that have it, and `cv/<metric>_std`, without F at least 2 nan.

    A metric that is not a number for any of them is left out.

    Args:
        metrics: of each resample; empty for one that diverged.
        each: whether the standard error of the mean, `…_se`, and the metric of each resample, `…_fold_<i>`, are wanted
            too.
    """
    found: dict[str, float] = {}
    names = next((list(each_of) for each_of in metrics if each_of), [])
    for name in names:
        key = f"{CV}{name}"
        values = [of_fold[name] for of_fold in metrics if of_fold]
        if all(map(math.isnan, values)):  # as R² of single examples
            continue
        std = statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else math.nan
        found[key] = math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.nan
        found[key + STD] = std
        if each:
            found[key + STANDARD_ERROR] = std / math.sqrt(len(values))
            found |= {f"{key}{FOLD}{k}": of_fold[name] for k, of_fold in enumerate(metrics) if of_fold}
    return found
