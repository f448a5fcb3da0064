"""How often intervals of resampling hold the truth, by simulation: BCa of coefficients, CV+ of new targets and classes.

Problems are small and solved together as one batch of normal equations, whose condition numbers are below 100.
"""

from collections.abc import Callable

import numpy as np
import pytest

from linnet.inference.conformal import cv_plus_intervals, cv_plus_sets
from linnet.solvers.bootstrap import acceleration, bca, expanded_quantile, percentile

Array = np.ndarray
TRUTH = np.array([1.0, 2.0, -1.0])
"""Bias and two weights."""
NOISE: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: rng.gamma(4, size=shape) / 2 - 2,
    "very skewed": lambda rng, shape: rng.exponential(size=shape) - 1,
}
"""Of variance 1; skewness 0, 1 and 2."""


def problems(n: int, noise: str, n_repeats: int, seed: int = 0) -> tuple[Array, Array]:
    """Draw designs `[R, n, 3]` with a column of ones, and targets `[R, n]`."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([np.ones((n_repeats, n, 1)), rng.standard_normal((n_repeats, n, 2))], axis=2)
    return x, x @ TRUTH + NOISE[noise](rng, (n_repeats, n))


def fits(x: Array, y: Array, weight: Array) -> Array:
    """Return the least squares coefficients `[R, F, 3]` of each problem with each of the weights `[F, n]`."""
    products = x[:, :, :, None] * np.concatenate([x, y[:, :, None]], axis=2)[:, :, None]  # [R, n, 3, 4]
    n_repeats, n = y.shape
    sums = weight @ products.transpose(1, 0, 2, 3).reshape(n, -1)
    sums = sums.reshape(len(weight), n_repeats, 3, 4).swapaxes(0, 1)
    return np.linalg.solve(sums[..., :3], sums[..., 3:])[..., 0]


def coverage_of_coefficients(n: int, noise: str, n_repeats: int, n_resamples: int) -> tuple[Array, Array]:
    """Return how often 95 % intervals hold the coefficients, percentile and BCa, each `[3]`."""
    rng = np.random.default_rng(1)
    hits, known = np.zeros((2, 3)), np.zeros((2, 3))
    for part in np.array_split(np.arange(n_repeats), max(1, n_repeats // 20)):
        x, y = problems(n, noise, len(part), int(part[0]))
        counts = np.stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(n_resamples)])
        replicates = fits(x, y, counts.astype(np.float64)).swapaxes(0, 1)  # [F, R, 3]
        estimate = fits(x, y, np.ones((1, n)))[:, 0]
        inverse = np.linalg.inv(x.swapaxes(1, 2) @ x)
        residuals = y - (x @ estimate[:, :, None])[..., 0]
        leverage = np.einsum("rnp,rpq,rnq->rn", x, inverse, x)
        changes = -(x @ inverse) * (residuals / (1 - leverage))[..., None]
        a = acceleration(changes.swapaxes(0, 1))
        found = percentile(replicates), bca(replicates, estimate, a, quantile=expanded_quantile(n, n - 3))
        for i, intervals in enumerate(found):
            hits[i] += ((intervals.low <= TRUTH) & (intervals.high >= TRUTH)).sum(axis=0)
            known[i] += (intervals.withheld == 0).sum(axis=0)
    assert (known == n_repeats).all()
    return hits[0] / n_repeats, hits[1] / n_repeats


def coverage_of_targets(n: int, noise: str, n_folds: int, n_repeats: int, confidence: float) -> float:
    """Return how often the CV+ interval of one new row holds its target."""
    x, y = problems(n + 1, noise, n_repeats)
    fold = np.arange(n) % n_folds
    weight = (fold != np.arange(n_folds)[:, None]).astype(np.float64)
    coefficients = fits(x[:, :n], y[:, :n], weight)  # [R, K, 3]
    predictions = np.einsum("rkp,rnp->rkn", coefficients, x)
    hits = 0
    for r in range(n_repeats):
        errors = np.abs(y[r, :n] - predictions[r, fold, np.arange(n)])
        low, high = cv_plus_intervals(predictions[r, :, n:, None], errors[:, None], fold, confidence)[0, 0]
        hits += low <= y[r, n] <= high
    return hits / n_repeats


def coverage_of_classes(n: int, n_folds: int, n_repeats: int, confidence: float) -> tuple[float, float]:
    """Return how often the CV+ set of a new row holds its class, and the mean size of the sets.

    Three normal classes in the plane; the model of a fold are the softmax probabilities by distance from its means.
    """
    rng, fold = np.random.default_rng(0), np.arange(n) % n_folds
    hits, sizes = 0, 0
    for _ in range(n_repeats):
        y = rng.integers(3, size=n + 1)
        x = rng.standard_normal((n + 1, 2)) + 1.5 * np.eye(3)[y, :2]
        kept = (fold != np.arange(n_folds)[:, None])[:, :, None] * np.eye(3)[y[:n]]  # [K, n, 3]
        means = np.einsum("knc,nd->kcd", kept, x[:n]) / kept.sum(axis=1)[:, :, None]
        logits = -np.square(x[:, None] - means[:, None]).sum(axis=3) / 2  # [K, n + 1, 3]
        probability = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
        scores = 1 - probability[fold, np.arange(n), y[:n]]
        found = cv_plus_sets(probability[:, n:], scores, fold, confidence)[0]
        hits, sizes = hits + found[y[n]], sizes + found.sum()
    return hits / n_repeats, sizes / n_repeats


def error_of(share: float, n_repeats: int) -> float:
    """Return the Monte Carlo standard error of a share."""
    return float(np.sqrt(share * (1 - share) / n_repeats))


@pytest.mark.parametrize("noise", NOISE)
def test_bca_of_coefficients(noise):
    """2,000 repetitions at n = 200: 93 to 97 %."""
    found = coverage_of_coefficients(200, noise, 2000, 999)[1]
    assert ((found >= 0.93) & (found <= 0.97)).all(), found


@pytest.mark.parametrize("noise", NOISE)
def test_bca_of_few_examples(noise):
    """n = 50, where 93.3 to 95.8 % are measured over 10,000 repetitions; within three Monte Carlo standard errors."""
    n_repeats = 400
    found = coverage_of_coefficients(50, noise, n_repeats, 1999)[1]
    error = 3 * error_of(0.94, n_repeats)
    assert ((found >= 0.933 - error) & (found <= 0.958 + error)).all(), found


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("n", [50, 200])
def test_cv_plus_of_targets(noise, n):
    """At least 1 − 2α, and 1 − α within two Monte Carlo standard errors from below; no more than a rank above it."""
    n_repeats, alpha = 2000, 0.1
    found = coverage_of_targets(n, noise, 10, n_repeats, 1 - alpha)
    assert found >= 1 - 2 * alpha
    error = error_of(alpha, n_repeats)
    assert 1 - alpha - 2 * error <= found <= 1 - alpha + 2 / n + 3 * error


def test_cv_plus_of_classes():
    found, size = coverage_of_classes(60, 5, 1000, 0.9)
    assert 0.9 - 3 * error_of(0.9, 1000) <= found <= 0.9 + 2 / 60 + 3 * error_of(0.9, 1000)
    assert 1 < size < 2.5
