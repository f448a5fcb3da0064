"""Cross-conformal prediction, CV+: intervals and sets of classes of any model that was cross-validated.

Nothing is assumed of the model, and of the examples only that they are exchangeable: independent draws of one
distribution are. Imports no torch.
"""

import math

import numpy as np
from numpy.typing import NDArray

from linnet.tracking.linear_predictor import Floats

NUMBERS = 1 << 22
"""Numbers that are in memory at once."""


def cv_plus_intervals(predictions: Floats, errors: Floats, fold: NDArray[np.integer], confidence: float) -> Floats:
    """Return CV+ intervals of new rows: low and high `[m, C, 2]`, each output by itself.

    With μ₋ₖ the model that fold k was held out of and Rᵢ = |yᵢ − μ₋ₖ₍ᵢ₎(xᵢ)|, the ends for a new x are the
    ⌊α(n + 1)⌋-th smallest of μ₋ₖ₍ᵢ₎(x) − Rᵢ and the ⌈(1 − α)(n + 1)⌉-th smallest of μ₋ₖ₍ᵢ₎(x) + Rᵢ, with α = 1 −
    confidence; infinite where there is no such rank. They hold the target with probability 1 − 2α − √(2/n) or more,
    whatever the model and the distribution, and with about 1 − α where the model is stable.

    Source: Barber, Candès, Ramdas and Tibshirani, Predictive inference with the jackknife+, 2021, section 3.

    Args:
        predictions: of new rows by the models of the K folds `[K, m, C]`.
        errors: Rᵢ of n training examples `[n, C]`.
        fold: that each of them was held out with `[n]`, in 0 … K − 1.
        confidence: 1 − α, in (0, 1).
    """
    n, (_, m, n_outputs) = len(errors), predictions.shape
    rank = _rank(n, confidence)
    ends = np.empty((m, n_outputs, 2))
    if rank > n:
        ends[...] = -np.inf, np.inf
        return ends
    size = max(1, NUMBERS // n)
    for c in range(n_outputs):
        for first in range(0, m, size):
            centre = predictions[:, first : first + size, c].T[:, fold]  # [rows, n]
            # The ⌊α(n + 1)⌋-th smallest is the ⌈(1 − α)(n + 1)⌉-th largest.
            ends[first : first + size, c, 0] = -np.partition(errors[:, c] - centre, rank - 1, axis=1)[:, rank - 1]
            ends[first : first + size, c, 1] = np.partition(centre + errors[:, c], rank - 1, axis=1)[:, rank - 1]
    return ends


def cv_plus_sets(
    probabilities: Floats, scores: Floats, fold: NDArray[np.integer], confidence: float
) -> NDArray[np.bool_]:
    """Return CV+ sets of classes of new rows `[m, C]`: whether each class is in the set.

    The score of a class is 1 − its probability. A class y is in the set of x if fewer than (1 − α)(n + 1) of the
    training examples have a score below that of (x, y), both by the model that their fold was held out of. The set
    holds the true class with probability 1 − 2α − √(2/n) or more, and with about 1 − α where the model is stable. It
    may be empty, where no class is likely enough.

    Source: Romano, Sesia and Candès, Classification with valid and adaptive coverage, 2020, section 2.3; the score is
    that of Sadinle, Lei and Wasserman, Least ambiguous set-valued classifiers, 2019.

    Args:
        probabilities: of new rows by the models of the K folds `[K, m, C]`.
        scores: of the true class of n training examples, by the model of their fold `[n]`.
        fold: that each of them was held out with `[n]`, in 0 … K − 1.
        confidence: 1 − α, in (0, 1).
    """
    below = np.zeros(probabilities.shape[1:], np.int64)
    for k, own in enumerate(probabilities):
        below += np.searchsorted(np.sort(scores[fold == k]), 1 - own, side="left")
    return np.asarray(below < _rank(len(scores), confidence))


def _rank(n: int, confidence: float) -> int:
    """Return ⌈confidence (n + 1)⌉, where confidence (n + 1) may have been rounded: 0.9 · 110 is no more than 99."""
    exact = confidence * (n + 1)
    return round(exact) if math.isclose(exact, round(exact), rel_tol=1e-12) else math.ceil(exact)
