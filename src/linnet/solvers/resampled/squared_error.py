"""Least squares and ridge regression of all resamples: which closed form, and whether its result is accurate enough."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from linnet.solvers.problem import WeightedRows
from linnet.solvers.resampled.hat_matrix import coefficients, factored, leave_out
from linnet.solvers.resampled.moments import moments_of, moments_without
from linnet.solvers.resampled.ridge import Solutions, ridge_path

ACCURATE = 1e-9
"""Error of predictions up to which a closed form counts, relative to the deviation of the targets, root mean square."""
SAMPLED = 1000
"""Examples whose median features are moved by."""


class Resampled(Protocol):
    """F resamples of N examples; see `linnet.data.resampling.Resamples`."""

    def __len__(self) -> int:
        """Return F."""

    @property
    def train(self) -> Tensor:
        """How often each resample has each example, `[F, N]` uint8; not looked at where there is a `fold`."""

    @property
    def fold(self) -> Tensor | None:
        """Where the resamples are R partitions, the fold that holds each example out, `[R, N]`; −1: none does."""


def squared_error_folds(
    rows: WeightedRows, resamples: Resampled, strengths: Tensor, deviation: Tensor | None, *, bias: bool
) -> Solutions:
    """Return minima `[S, F, …]` of 1/Σw Σ w ½‖W x + b − y‖² + λ/2 ‖W z‖², where z are the features' deviations.

    Its distance is inf where it is not small enough to be sure of; such a problem is left to another solver.

    Args:
        rows: all examples; their weights multiply the counts of the resamples.
        resamples: F of them.
        strengths: λ, `[S]`.
        deviation: of each resample's own standardisation, `[F, D]`; None: ones.
        bias: whether there is one.
    """
    x, y = rows.x.double(), rows.y.double()
    weight = None if rows.weight is None else rows.weight.double()
    shift, target_shift = x.new_zeros(x.shape[1]), y.new_zeros(y.shape[1])
    if bias:  # a median, which no outlier moves: what is subtracted is exact, and differences keep their digits
        sample = slice(None, None, max(1, len(x) // SAMPLED))
        shift, target_shift = x[sample].median(0).values, y[sample].median(0).values
    x, y = x - shift, y - target_shift
    parts: list[Solutions] = []
    for folds, blocks in partitions(resamples):
        own = None if deviation is None else deviation[folds]
        n_folds = folds.stop - folds.start
        if blocks is None:
            parts.append(_from_sample(x, y, weight, resamples.train[folds.start], strengths, own, bias=bias))
        elif _is_free(own, strengths) and _is_small(blocks, x) and _positive(weight):
            parts.append(_from_hat_matrix(x, y, weight, blocks, n_folds, strengths, bias=bias))
        else:
            parts.append(_from_moments(x, y, weight, blocks, n_folds, strengths, own, bias=bias))
    of_weight, of_bias, distance = (torch.cat(each, 1) for each in zip(*parts, strict=True))
    distance = torch.where(distance <= ACCURATE * _deviation(y, weight, bias=bias), distance, torch.inf)
    return Solutions(of_weight, of_bias + target_shift - of_weight @ shift, distance)


def partitions(resamples: Resampled) -> Iterator[tuple[slice, Tensor | None]]:
    """Yield the folds of each partition with the block of each example, `[N]`; of other resamples each alone."""
    if resamples.fold is None:
        yield from ((slice(f, f + 1), None) for f in range(len(resamples)))
        return
    n_folds = len(resamples) // len(resamples.fold)
    for r, blocks in enumerate(resamples.fold):
        yield slice(r * n_folds, (r + 1) * n_folds), blocks.long()


def _is_free(deviation: Tensor | None, strengths: Tensor) -> bool:
    """Return whether a resample's own features change nothing: nothing is penalised, and it has all of them."""
    return deviation is None or (not strengths.any() and bool(deviation.isfinite().all()))


def _is_small(blocks: Tensor, x: Tensor) -> bool:
    """Return whether a system of a block's size costs no more than one of the features."""
    return bool((blocks >= 0).all()) and int(torch.bincount(blocks).max()) <= max(x.shape[1], 1)


def _positive(weight: Tensor | None) -> bool:
    return weight is None or bool((weight > 0).all())


def _from_hat_matrix(
    x: Tensor, y: Tensor, weight: Tensor | None, blocks: Tensor, n_blocks: int, strengths: Tensor, *, bias: bool
) -> Solutions:
    fit = factored(x, y, weight, bias=bias, any_units=not strengths.any())
    out = leave_out(fit, blocks, n_blocks, strengths)
    found = [
        coefficients(fit, blocks, n_blocks, strength, out.residual[s]) for s, strength in enumerate(strengths.tolist())
    ]
    of_weight, of_bias = (torch.stack(each) for each in zip(*found, strict=True))
    return Solutions(of_weight, of_bias, out.distance)


def _from_moments(
    x: Tensor, y: Tensor, weight: Tensor | None, blocks: Tensor, n_folds: int, strengths: Tensor,
    deviation: Tensor | None, *, bias: bool,
) -> Solutions:  # fmt: skip
    moments = moments_without(torch.cat([x, y], 1), blocks, n_folds, weight, centre=bias)
    found = [
        ridge_path(each, x.shape[1], strengths, None if deviation is None else deviation[f], len(x), bias=bias)
        for f, each in enumerate(moments)
    ]
    return Solutions(*(torch.stack(part, 1) for part in zip(*found, strict=True)))


def _from_sample(
    x: Tensor, y: Tensor, weight: Tensor | None, counts: Tensor, strengths: Tensor, deviation: Tensor | None, *,
    bias: bool,
) -> Solutions:  # fmt: skip
    kept = counts > 0
    of_counts = counts[kept].double()
    moments = moments_of(
        torch.cat([x, y], 1)[kept], of_counts if weight is None else of_counts * weight[kept], centre=bias
    )
    own = None if deviation is None else deviation[0]
    found = ridge_path(moments, x.shape[1], strengths, own, int(kept.sum()), bias=bias)
    return Solutions(*(part.unsqueeze(1) for part in found))


def _deviation(y: Tensor, weight: Tensor | None, *, bias: bool) -> float:
    """Return the root mean square of targets `[N, C]`, about their mean if there is a bias."""
    share = y.new_full((len(y),), 1 / len(y)) if weight is None else weight / weight.sum()
    centred = y - share @ y if bias else y
    return float((share @ centred.square()).sum().sqrt())
