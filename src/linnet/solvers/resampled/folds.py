"""Exact optima of all resamples for one or many penalties: closed forms where there are any, else one solve each."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from linnet.losses import Loss
from linnet.penalties import Penalty
from linnet.solvers.blockwise.bound import certify
from linnet.solvers.convex_losses import Quadratic, convex_loss_of
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import WeightedRows
from linnet.solvers.relative import Rows, loss_of_zeros, solve_relative
from linnet.solvers.resampled.softmax_folds import softmax_folds, softmax_rows_of
from linnet.solvers.resampled.squared_error import Resampled, partitions, squared_error_folds
from linnet.solvers.solve import threads_for


class OwnFeatures(Protocol):
    """Each resample's own features z = ratio (x + … − centre) of shared columns x, see `linnet.data.feature_maps`."""

    @property
    def ratio(self) -> Tensor:
        """`[K, 1, D]` for K ≥ F; 0 for a feature that the resample does not have."""

    @property
    def centre(self) -> Tensor:
        """`[K, D, 1]`, in units of the shared columns."""

    @property
    def offset(self) -> Tensor | None:
        """What a resample's targets are centred by, besides what all are, `[K, C]`."""

    @property
    def target(self) -> Tensor:
        """Columns `[L]` that change others, the …; where there are none, z is x but for centre and ratio."""

    def features_of(self, k: int, x: Tensor) -> Tensor:
        """Return the features `[N, D]` of resample k, for shared columns `[N, D]`."""


@dataclass(frozen=True)
class FoldOptima:
    """Optima of F resamples, for S penalties.

    weight, bias: for each resample's own features and targets, `[S, F, C, D]` and `[S, F, C]`, float64.
    gap: proven bound of each objective less its infimum, rounding included, `[S, F]`; inf where nothing is proven.
    scale: mean loss of predicting nothing, of targets about their mean: what a gap is to be compared with.
    solved: how many of the S F problems took a solve of their own, for want of an accurate closed form.
    """

    weight: Tensor
    bias: Tensor
    gap: Tensor
    scale: float
    solved: int


def solve_folds(
    rows: WeightedRows,
    resamples: Resampled,
    loss: Loss,
    penalties: Sequence[Penalty],
    *,
    bias: bool,
    n_outputs: int,
    tolerance: float,
    features: OwnFeatures | None = None,
    origin: Tensor | None = None,
    start: tuple[Tensor, Tensor] | None = None,
) -> FoldOptima:
    """Minimise, for each resample and penalty, mean loss + penalty over the resample's examples and own features.

    Args:
        rows: all examples, float64; their weights multiply the counts of the resamples.
        resamples: F of them.
        loss: one that has an exact solver.
        penalties: S of them; a path should go from strong to weak, for each solve begins at one next to it.
        bias, n_outputs, origin: as of `solve`; the origin is that of the shared columns.
        tolerance: bound to reach, relative to the mean loss of predicting nothing.
        features: of the resamples; None: the shared columns are those of all.
        start: weight `[C, D]` and bias `[C]` for the shared columns, near all the optima.

    Raises:
        ValueError: a resample has no finite optimum, or data and loss do not fit.
    """
    rows = Rows(rows.x, rows.y, rows.weight)  # once: features that are stored in another way are converted
    n_folds, n_features, n_penalties = len(resamples), rows.x.shape[1], len(penalties)
    own = None if features is None else _Own(features)
    weight = torch.full((n_penalties, n_folds, n_outputs, n_features), torch.nan, dtype=torch.float64)
    biases = torch.full((n_penalties, n_folds, n_outputs), torch.nan, dtype=torch.float64)
    gap = torch.full((n_penalties, n_folds), torch.inf, dtype=torch.float64)
    convex = convex_loss_of(loss)
    plain = own is None or own.is_affine
    if isinstance(convex, Quadratic) and plain and not any(float(penalty.l1) for penalty in penalties):
        strengths = torch.tensor([float(penalty.l2) for penalty in penalties], dtype=torch.float64)
        deviation = None if own is None else own.deviation[:n_folds]
        with threads_for(rows.x.numel() * n_outputs):
            found = squared_error_folds(rows, resamples, strengths / convex.scale, deviation, bias=bias)
        weight, biases = found.weight, found.bias
        if own is not None:
            weight, biases = own.parameters(slice(0, n_folds), weight, biases)
        gap = 0.5 * convex.scale * found.distance.square()
    left = gap.isinf()
    # A resample's optimum is nearer to that of the last resample under the same penalty than to its own under another.
    before: dict[int, tuple[Tensor, Tensor]] = {}
    scale = None if own is None or not plain else own.ratio[:n_folds] ** -2.0
    side_by_side = softmax_folds(
        rows, resamples, loss, penalties, scale, bias=bias, n_outputs=n_outputs, tolerance=tolerance, start=start
    ) if plain else None  # fmt: skip
    for fold, counts in enumerate(_counts(resamples)):
        near = start if own is None or start is None else own.parameters(fold, *start)
        proof = None
        for s in left[:, fold].nonzero()[:, 0].tolist():
            if side_by_side is not None:
                near = side_by_side[0][s, fold], side_by_side[1][s, fold]
                near = near if own is None else own.parameters(fold, *near)
                proof = proof or softmax_rows_of(rows, counts, features, fold, n_outputs, bias=bias)
                proven = certify(proof, float(penalties[s].l2), *near)
                if proven.bound <= tolerance * math.log(n_outputs):
                    weight[s, fold], biases[s, fold], gap[s, fold] = *near, proven.bound
                    continue
            begin = near if side_by_side is not None else before.get(s, near)
            optimum = _solve_one(
                rows, counts, loss, penalties[s], features, fold, begin, bias=bias, n_outputs=n_outputs,
                tolerance=tolerance, origin=origin,
            )  # fmt: skip
            if not optimum.attained:
                raise ValueError(f"no finite optimum of resample {fold} exists ({optimum.certificate})")
            weight[s, fold], biases[s, fold], gap[s, fold] = optimum.weight, optimum.bias, optimum.suboptimality_bound
            near = optimum.weight, optimum.bias
            if n_penalties > 1:
                before[s] = near
    return FoldOptima(weight, biases, gap, _scale(rows, loss, n_outputs, bias=bias), int(left.sum()))


class _Own:
    """Parameters for own features of those for shared columns."""

    def __init__(self, features: OwnFeatures) -> None:
        self.ratio, self.centre = features.ratio[:, 0].double(), features.centre[:, :, 0].double()
        self.offset = None if features.offset is None else features.offset.double()
        self.is_affine = len(features.target) == 0

    @property
    def deviation(self) -> Tensor:
        return torch.where(self.ratio == 0, torch.inf, 1 / self.ratio)

    def parameters(self, k: int | slice, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight `[…, C, D]` and bias `[…, C]` of resamples k for own features and targets."""
        ratio, centre = self.ratio[k].unsqueeze(-2), self.centre[k]
        bias = bias + (weight * torch.where(ratio == 0, 0.0, centre.unsqueeze(-2))).sum(-1)
        weight = torch.where(ratio == 0, 0.0, weight / ratio)
        return weight, bias if self.offset is None else bias - self.offset[k]


def _counts(resamples: Resampled) -> Iterator[Tensor]:
    """Yield how often each resample has each example, `[N]`."""
    for folds, blocks in partitions(resamples):
        for f in range(folds.start, folds.stop):
            yield resamples.train[f] if blocks is None else blocks != f - folds.start


def _solve_one(
    rows: WeightedRows,
    counts: Tensor,
    loss: Loss,
    penalty: Penalty,
    features: OwnFeatures | None,
    fold: int,
    near: tuple[Tensor, Tensor] | None,
    *,
    bias: bool,
    n_outputs: int,
    tolerance: float,
    origin: Tensor | None,
) -> Optimum:
    """Solve for one resample in its own features, from parameters for them."""
    kept = counts > 0
    x, y, weight = rows.x[kept], rows.y[kept], counts[kept].double()
    if rows.weight is not None:
        weight = weight * rows.weight[kept].double()
    offset = torch.zeros((), dtype=torch.float64)
    if features is not None:
        x = features.features_of(fold, x.double())
        if origin is not None:
            origin = (origin + features.centre[fold, :, 0]) * features.ratio[fold, 0]
        if features.offset is not None:
            offset = features.offset[fold].double()
            near = None if near is None else (near[0], near[1] + offset)
    found = solve_relative(
        Rows(x, y, None if bool((weight == weight[0]).all()) else weight), loss, penalty, bias=bias,
        tolerance=tolerance, n_outputs=n_outputs, origin=origin, start=near,
    )  # fmt: skip
    return replace(found, bias=found.bias - offset)


def _scale(rows: WeightedRows, loss: Loss, n_outputs: int, *, bias: bool) -> float:
    y = rows.y
    if bias and y.is_floating_point() and loss.shift_invariant:
        y = y - y.double().mean(0)
    return loss_of_zeros(Rows(rows.x, y, rows.weight), loss, n_outputs)
