"""Bootstrap intervals of a run's coefficients, and how often its resamples select each. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from linnet.config.metric_names import MOST_COEFFICIENTS
from linnet.data.table.messages import count_words
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

    def metrics(self, names: Sequence[str]) -> dict[str, float]:
        """Return metrics "bootstrap/bca_low/<name>", …, of several outputs "bootstrap/bca_low/y1/<name>".

        There are none of many coefficients, as of `linnet.solvers.inference.Inference`, nor of what is withheld.

        Args:
            names: of the 1 + D coefficients of an output.
        """
        found = {}
        for column, values in self.columns.items():
            for (c, i), value in np.ndenumerate(values) if values.size <= MOST_COEFFICIENTS else ():
                suffix = f"/y{c}" if len(values) > 1 else ""
                if np.isfinite(value):
                    found[f"bootstrap/{column}{suffix}/{names[i]}"] = float(value)
        return found


def bootstrapped(
    replicates: Floats, estimate: Floats, known: Floats | None, quantile: float | None = None
) -> Bootstrapped:
    """Return bootstrap intervals of coefficients.

    Args:
        replicates: coefficients of the models of the resamples, the bias first, `[F, C, 1 + D]`.
        estimate: those of the run's model, trained on all examples, `[C, 1 + D]`.
        known: their acceleration `[C, 1 + D]`, None if it is not known.
        quantile: of BCa intervals, see `linnet.solvers.bootstrap.expanded_quantile`; None: the normal one.
    """
    unknown = np.full(estimate.shape, np.nan)
    of_bca = bca(replicates, estimate, unknown if known is None else known, quantile=quantile)
    found = {"percentile": percentile(replicates), "bca": of_bca}
    columns = {f"{name}_{end}": getattr(intervals, end) for name, intervals in found.items() for end in ("low", "high")}
    if (replicates[:, :, 1:] == 0).any():
        selected = selection_frequency(replicates[:, :, 1:])
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
