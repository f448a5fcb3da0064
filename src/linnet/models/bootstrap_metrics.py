"""Percentile and BCa intervals of metrics, over resamples of the examples that they are of.

All of these metrics are functions of sums over examples, so that a resample is a product of counts with a table, and
what the jackknife takes is the sum without each row.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from linnet.models.intervals import Array, regression_sums
from linnet.solvers.bootstrap import acceleration, bca, expanded_quantile, percentile

MOST_NUMBERS = 2**25
"""Of the table of a classifier, 256 MiB; with more classes times examples there are no intervals."""


RESAMPLES, FEWEST = 5000, 999
"""Of the examples: enough for tails that a correction for skewness makes small; fewer of very many examples, whose
metrics vary less."""
MOST_DRAWS, DRAWS_AT_ONCE = 10**8, 2**22
"""Examples drawn for all resamples, unless these are the fewest; and at a time."""


class Sums(NamedTuple):
    """A table with one row per example, and the metrics that follow from its column sums.

    table: `[N, M]`.
    metrics: (column sums `[…, M]`, number of examples) -> metric -> `[…]`.
    """

    table: Array
    metrics: Callable[[Array, int], dict[str, Array]]


def metric_intervals(sums: Sums) -> dict[str, dict[str, float]]:
    """Return for each metric percentile_low, percentile_high, bca_low and bca_high, the ends of 95 % intervals.

    They say what other examples could have changed, for the weights at hand. An interval that is withheld is left out,
    see `linnet.solvers.bootstrap`; so are all of fewer than 3 examples.
    """
    table, n = sums.table, len(sums.table)
    if n < 3:
        return {}
    total = table.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of equal targets has no r2
        replicates, estimates, deleted = (
            sums.metrics(resampled_sums(table), n), sums.metrics(total, n), sums.metrics(total - table, n - 1)
        )  # fmt: skip
    found: dict[str, dict[str, float]] = {}
    for name, values in replicates.items():
        estimate = np.asarray(estimates[name])
        corrected = bca(values, estimate, acceleration(deleted[name]), quantile=expanded_quantile(n, n - 1))
        ends = {"percentile": percentile(values), "bca": corrected}
        found[name] = {
            f"{kind}_{end}": float(getattr(interval, end))
            for kind, interval in ends.items() for end in ("low", "high") if interval.withheld == 0
        }  # fmt: skip
    return found


def resampled_sums(table: Array) -> Array:
    """Return the column sums `[F, M]` of bootstrap samples of the rows `[N, M]`; the same in each call of as many."""
    n = len(table)
    rng, n_resamples = np.random.default_rng(n), max(FEWEST, min(RESAMPLES, MOST_DRAWS // n))
    sizes = np.diff([*range(0, n_resamples, max(1, DRAWS_AT_ONCE // n)), n_resamples])
    return np.concatenate([_counts(rng, int(size), n) @ table for size in sizes])


def _counts(rng: np.random.Generator, n_resamples: int, n: int) -> Array:
    """Return how often each resample has each of n examples, `[n_resamples, n]`."""
    cells = rng.integers(n, size=(n_resamples, n)) + np.arange(0, n_resamples * n, n)[:, None]
    return np.bincount(cells.ravel(), minlength=n_resamples * n).reshape(n_resamples, n).astype(np.float64)


def sums_of(task: str, prediction: Tensor, target: Tensor) -> Sums | None:
    """Return the table of a regression's, or a classifier's, predictions; None of one that is too large.

    Args:
        task: "regression" or "classification".
        prediction: expected targets `[N, C]`, or logits `[N, C]`.
        target: `[N, C]`, or classes `[N]`; below 0: without an output, which is predicted wrongly.
    """
    if task == "regression":
        return Sums(*regression_sums(prediction, target))
    n, n_classes = prediction.shape
    return None if n * (4 + 3 * n_classes) > MOST_NUMBERS else _classes(prediction, target)


def _classes(logits: Tensor, target: Tensor) -> Sums:
    """Return the table of a classifier: of accuracy, predictive_entropy, nll, macro_f1; of 3 classes top2_accuracy.

    nll and macro_f1 are left out where a target has no output.
    """
    n_classes = logits.shape[1]
    log_probability, y = logits.double().cpu().log_softmax(dim=1), target.cpu()
    ranked = log_probability.topk(min(2, n_classes), dim=1).indices  # of equal ones in any order
    best = logits.cpu().max(dim=1).indices
    correct, entropy = best == y, -(log_probability.exp() * log_probability).sum(dim=1)
    columns, names = [correct, entropy], ["accuracy", "predictive_entropy"]
    if n_classes > 2:
        columns.append(correct | (ranked == y[:, None]).any(dim=1))
        names.append("top2_accuracy")
    counted = bool((y >= 0).all())
    if counted:
        columns.append(-log_probability.gather(1, y[:, None])[:, 0])
        names.append("nll")
        eye = torch.eye(n_classes, dtype=torch.float64)
        columns += [part for each in (eye[y], eye[best], eye[best] * correct[:, None]) for part in each.T]
    table = torch.stack([column.double() for column in columns], dim=1).numpy()

    def metrics(sums: Array, size: int) -> dict[str, Array]:
        found = {name: sums[..., i] / size for i, name in enumerate(names)}
        if counted:
            true, predicted, both = np.split(np.maximum(sums[..., len(names) :], 0), 3, axis=-1)
            f1 = 2 * both / np.maximum(true + predicted, 1)
            found["macro_f1"] = f1.sum(axis=-1) / (true + predicted > 0).sum(axis=-1)
        return found

    return Sums(table, metrics)
