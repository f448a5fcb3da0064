"""Bootstrap intervals of a statistic, and how often resamples select a feature. Imports no torch."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from linnet.solvers.extended_precision import Array
from linnet.solvers.student_t import critical_t

WITHHELD = (
    "",
    "a resample has no finite value",
    "all resamples have the same value",
    "all resamples lie on one side of the estimate",
    "there are too few resamples for tails this small",
    "the acceleration is not known",
    "the correction for skewness is beyond its range",
)
"""Why there is no interval, by the code in `Intervals.withheld`; 0: there is one."""
FINITE, CONSTANT, ONE_SIDE, FEW, UNKNOWN, BEYOND = range(1, len(WITHHELD))


class Intervals(NamedTuple):
    """Intervals of statistics of any shape; NaN where one is withheld.

    low, high: their ends.
    withheld: index into `WITHHELD` of the reason that there is none, 0 where there is one.
    """

    low: Array
    high: Array
    withheld: NDArray[np.int8]


def percentile(replicates: Array, confidence: float = 0.95) -> Intervals:
    """Return percentile intervals: the quantiles (1 ∓ confidence)/2 of the resamples' values.

    The quantile p of F values is the one of rank p (F + 1), between two ranks a linear interpolation: a new value of
    the same distribution lies below it with probability p (Davison and Hinkley, Bootstrap Methods, 1997, section 5.2).

    Where all resamples have the same value, as a coefficient that an l1 penalty keeps at 0, it is both ends.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    Args:
        replicates: value of the statistics in each of F resamples `[F, …]`.
        confidence: in (0, 1).
    """
    ordered = np.sort(replicates, axis=0)  # NaN come last
    shape, tail = replicates.shape[1:], (1 - confidence) / 2
    withheld = np.zeros(shape, np.int8)
    if tail * (len(replicates) + 1) < 1:
        withheld[...] = FEW
    withheld[~np.isfinite(ordered[[0, -1]]).all(axis=0)] = FINITE
    return _between(ordered, np.full(shape, tail), np.full(shape, 1 - tail), withheld)


def bca(
    replicates: Array, estimate: Array, acceleration: Array, confidence: float = 0.95, quantile: float | None = None
) -> Intervals:
    """Return BCa intervals: percentiles that are corrected for bias and skewness ("accelerated").

    Their ends are the quantiles Φ(z₀ + (z₀ ± z) / (1 − a (z₀ ± z))) of the resamples' values, as of `percentile`, with
    the normal quantile z of the confidence, z₀ = Φ⁻¹(share of resamples below the estimate, those equal to it counted
    by half), and the acceleration a.

    Source: Efron, Better Bootstrap Confidence Intervals, 1987; Efron and Tibshirani, 1993, chapter 14.

    Args:
        replicates: value of the statistics in each of F resamples `[F, …]`.
        estimate: value on all examples `[…]`.
        acceleration: a of the statistics `[…]`, see `acceleration`; NaN where it is not known.
        confidence: in (0, 1).
        quantile: takes the place of z, see `expanded_quantile`.
    """
    n_resamples, z = len(replicates), float(ndtri((1 + confidence) / 2)) if quantile is None else quantile
    ordered = np.sort(replicates, axis=0)
    below = ((replicates < estimate).sum(axis=0) + (replicates <= estimate).sum(axis=0)) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        z0 = ndtri(below / n_resamples)
        shifts = [z0 + sign * z for sign in (-1, 1)]
        ends = [ndtr(z0 + shift / (1 - acceleration * shift)) for shift in shifts]
        beyond = (1 - acceleration * shifts[0] <= 0) | (1 - acceleration * shifts[1] <= 0)
        few = (ends[0] * (n_resamples + 1) < 1) | ((1 - ends[1]) * (n_resamples + 1) < 1)
    withheld = np.zeros(replicates.shape[1:], np.int8)
    for code, where in (
        (FEW, few),
        (BEYOND, beyond),
        (UNKNOWN, ~np.isfinite(acceleration)),
        (ONE_SIDE, ~np.isfinite(z0)),
        (CONSTANT, ordered[0] == ordered[-1]),
        (FINITE, ~np.isfinite(ordered[[0, -1]]).all(axis=0)),
    ):  # the last one that holds is the reason
        withheld[where] = code
    return _between(ordered, ends[0], ends[1], withheld)


def expanded_quantile(n_examples: int, df_residual: int) -> float:
    """Return the quantile t √(n / df) that takes the place of z = 1.96 in 95 % intervals of regression coefficients.

    Residuals of least squares are smaller than errors, by √(df / n) in the mean, and resamples vary as residuals do. So
    their quantiles lie too near to the estimate by this factor, and by that of the normal quantile to Student's t,
    since the variance is estimated.

    Source: Hesterberg, What Teachers Should Know About the Bootstrap, 2015, section 4.4, "expanded percentile".

    Args:
        n_examples: n.
        df_residual: examples less coefficients, at least 1.
    """
    return critical_t(df_residual) * math.sqrt(n_examples / df_residual)


def acceleration(deleted: Array) -> Array:
    """Return the acceleration a = Σ d³ / (6 (Σ d²)^{3/2}) of statistics, with d their mean less each jackknife value.

    Args:
        deleted: the statistics without each of the N examples `[N, …]`, or these less any constant.

    Returns:
        `[…]`; 0 where all values are equal, NaN where one is not finite.
    """
    with np.errstate(invalid="ignore"):
        d = deleted.mean(axis=0) - deleted
    largest = np.abs(d).max(axis=0)
    d = d / np.where(largest > 0, largest, 1)  # whose cubes neither overflow nor vanish
    squares = np.square(d).sum(axis=0)
    return np.asarray((d**3).sum(axis=0) / (6 * np.where(squares > 0, squares, 1) ** 1.5))


def deleted_coefficients(design: Array, residuals: Array, inverse_factor: Array) -> Array:
    """Return how the least squares coefficients change if each example in turn is left out.

    β̂₍ᵢ₎ − β̂ = −(XᵀX)⁻¹ xᵢ eᵢ / (1 − hᵢ), with the leverage hᵢ. An example of leverage 1 determines a coefficient, which
    is not defined without it: its changes are NaN.

    Source: Seber and Lee, Linear Regression Analysis, 2003, section 10.6.

    Args:
        design: rows xᵢ `[N, P]`, with a column of ones for a bias.
        residuals: eᵢ of each output `[N, C]`.
        inverse_factor: G `[P, P]` with (XᵀX)⁻¹ = G Gᵀ.

    Returns:
        `[N, C, P]`.
    """
    half = design @ inverse_factor  # rows of an orthonormal basis of the columns
    remainder = 1 - np.square(half).sum(axis=1)
    determined = remainder <= np.sqrt(np.finfo(np.float64).eps)
    remainder[determined] = np.nan
    return np.asarray(-(residuals / remainder[:, None])[:, :, None] * (half @ inverse_factor.T)[:, None])


def selection_frequency(weights: Array) -> Array:
    """Return the share of resamples in which each weight is not 0, `[C, D]`.

    Under an l1 penalty this is the probability of selection Π̂ⱼ(λ) of stability selection, at the strength λ of the run,
    over the resamples that there are. Its bound on false selections is for subsamples of half the examples, and does
    not hold for bootstrap samples of all of them, whose frequencies are those of Bach's "Bolasso".

    Source: Meinshausen and Bühlmann, Stability Selection, 2010; Bach, Bolasso, 2008.

    Args:
        weights: of F resamples `[F, C, D]`.
    """
    return np.asarray((weights != 0).mean(axis=0))


def _between(ordered: Array, low: Array, high: Array, withheld: NDArray[np.int8]) -> Intervals:
    """Return the quantiles of sorted values `[F, …]` at each statistic's own levels, interpolated linearly."""
    ends = []
    for level in (low, high):
        place = np.clip(np.where(withheld > 0, 0.0, level) * (len(ordered) + 1) - 1, 0, len(ordered) - 1)
        index = np.minimum(place.astype(np.intp), max(len(ordered) - 2, 0))
        below, above = (
            np.take_along_axis(ordered, np.minimum(index + step, len(ordered) - 1)[None], axis=0)[0] for step in (0, 1)
        )
        with np.errstate(invalid="ignore"):  # of what is withheld
            end = below + (place - index) * (above - below)
        ends.append(np.where(withheld > 0, np.nan, end))
    return Intervals(ends[0], ends[1], withheld)
