"""95 % confidence intervals of test metrics.

They say what other test examples could have changed, for the weights at hand. What another seed or another training
set would change is not in them: for that, compare runs over seeds.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from torch import Tensor

CONFIDENCE = 0.95
SHARES = ("accuracy", "top2_accuracy")
"""Metrics that count examples."""
RESAMPLES = 1000
CACHED_EXAMPLES = 2000

Array = npt.NDArray[np.float64]
Intervals = dict[str, tuple[float, float]]


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Return the Wilson score interval of a binomial proportion.

    The centre of the interval is drawn towards ½, so that it stays within [0, 1] and is right for few trials and for
    shares near 0 and 1 too, where the usual ± 1.96 √(p(1 − p)/n) is not (Wilson, 1927; Brown, Cai and DasGupta,
    Interval estimation for a binomial proportion, 2001).

    Args:
        share: in [0, 1], a multiple of 1/n.
        n: at least 1.
    """
    interval: Any = stats.binomtest(round(share * n), n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap_intervals(prediction: Tensor, target: Tensor) -> Intervals:
    """Return percentile bootstrap intervals of mse, rmse, mae and r2 (Efron and Tibshirani, 1993, chapter 13).

    The resamples are the same in every call with as many examples, so equal predictions have equal intervals.

    Args:
        prediction: `[N, C]`.
        target: `[N, C]`.
    """
    table, metrics = regression_sums(prediction, target)
    n = len(table)
    tail = (1 - CONFIDENCE) / 2
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of equal targets has no r2
        resampled = metrics(_counts(n) @ table if n <= CACHED_EXAMPLES else _resampled(table), n)
    return {name: _quantiles(values, tail) for name, values in resampled.items()}


def regression_sums(prediction: Tensor, target: Tensor) -> tuple[Array, Callable[[Array, int], dict[str, Array]]]:
    """Return a table `[N, 3 + C]`, one row per example, and a function from its column sums to the metrics.

    The function takes sums `[…, 3 + C]` and the number of examples that they are over.

    Args:
        prediction, target: `[N, C]`.
    """
    error = (prediction.double() - target.double()).cpu().numpy()
    y = target.double().cpu().numpy()
    y = y - y.mean(axis=0)
    table = np.column_stack([np.square(error).mean(axis=1), np.abs(error).mean(axis=1), np.square(y).sum(axis=1), y])
    n_outputs = y.shape[1]

    def metrics(sums: Array, n: int) -> dict[str, Array]:
        mse, mae, squares, *totals = np.moveaxis(sums, -1, 0)
        spread = squares - sum(np.square(total) for total in totals) / n
        r2 = 1 - mse * n_outputs / np.where(spread > 0, spread, np.nan)
        return {"mse": mse / n, "rmse": np.sqrt(mse / n), "mae": mae / n, "r2": r2}

    return table, metrics


def _quantiles(values: Array, tail: float) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


@lru_cache(maxsize=2)
def _counts(n: int) -> Array:
    """Return how often each of n examples is drawn in each resample, `[RESAMPLES, n]`; cached for a sweep."""
    rng = np.random.default_rng(n)
    return np.stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(RESAMPLES)]).astype(np.float64)


def _resampled(table: Array) -> Array:
    """Return column sums of each resample; of very many examples fewer resamples are drawn, since they vary less."""
    n = len(table)
    rng = np.random.default_rng(n)
    repeats = max(200, min(RESAMPLES, 10**8 // n))
    return np.stack([np.bincount(rng.integers(n, size=n), minlength=n) @ table for _ in range(repeats)])
