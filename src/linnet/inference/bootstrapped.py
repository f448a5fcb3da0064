"""Bootstrap intervals of a run's coefficients, and how often its resamples select each. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from linnet.data.table.messages import count_words
from linnet.inference.resampled_models import ResampledModels
from linnet.solvers.bootstrap import FEW, WITHHELD, Intervals, bca, percentile, selection_frequency
from linnet.tracking.linear_predictor import Floats


@dataclass(frozen=True)
class Bootstrapped:
    """Bootstrap of C outputs' coefficients, the bias first.

    columns: percentile_low, percentile_high, bca_low and bca_high, 95 % intervals, each `[C, 1 + D]`; where resamples
        have weights of exactly 0, as under an l1 penalty, also `selected`, the share of them in which it is not 0.
        NaN: not known.
    n_resamples: F.
    notes: why intervals are withheld, in a line each.
    """

    columns: Mapping[str, Floats]
    n_resamples: int
    notes: tuple[str, ...]


def bootstrapped(models: ResampledModels, estimate: Floats) -> Bootstrapped:
    """Return bootstrap intervals of coefficients.

    Args:
        models: of the resamples.
        estimate: coefficients of the run's model, trained on all examples, `[C, 1 + D]`.
    """
    replicates = models.coefficients
    known = models.acceleration
    of_bca = bca(replicates, estimate, np.full(estimate.shape, np.nan) if known is None else known)
    found = {"percentile": percentile(replicates), "bca": of_bca}
    columns = {f"{name}_{end}": getattr(intervals, end) for name, intervals in found.items() for end in ("low", "high")}
    if (models.weight == 0).any():
        selected = selection_frequency(models.weight)
        columns["selected"] = np.concatenate([np.full((len(selected), 1), np.nan), selected], axis=1)
    notes = _notes("percentile", found["percentile"])
    if known is None:
        notes.append("BCa intervals are known for least squares without penalty and weights, solved by optimizer=exact")
    else:
        notes += _notes("BCa", of_bca)
    return Bootstrapped(columns, len(replicates), tuple(notes))


def _notes(label: str, intervals: Intervals) -> list[str]:
    notes = []
    for code in np.unique(intervals.withheld[intervals.withheld > 0]).tolist():
        n = int((intervals.withheld == code).sum())
        remedy = ", use a larger resampling.n_resamples" if code == FEW else ""
        notes.append(f"no {label} interval of {count_words(n, 'coefficient')}: {WITHHELD[code]}{remedy}")
    return notes
