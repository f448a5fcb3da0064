"""Which folds of softmax regression are solved side by side, and the examples by which each solution is certified."""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from linnet.losses import Loss
from linnet.penalties import Penalty
from linnet.solvers.blockwise.rows import SoftmaxRows
from linnet.solvers.convex_losses import Softmax, convex_loss_of
from linnet.solvers.newton.newton import SINGLE_RANGE, TIGHT
from linnet.solvers.problem import WeightedRows
from linnet.solvers.relative import Rows
from linnet.solvers.resampled.softmax_path import near_optima
from linnet.solvers.resampled.softmax_rows import FoldRows
from linnet.solvers.resampled.squared_error import Resampled, partitions
from linnet.solvers.solve import CPU, threads_for

DENSE = 1500
"""Coefficients of one model up to which a dense Hessian costs less than it saves."""
WORTHWHILE = 100_000
"""Multiplications of all predictions of all models, below which one model at a time takes no time either."""


class Maps(Protocol):
    """Features of each resample, as `linnet.solvers.resampled.folds.OwnFeatures`."""

    def features_of(self, k: int, x: Tensor) -> Tensor:
        """Return the features `[N, D]` of resample k, for shared columns `[N, D]`."""


def softmax_folds(
    rows: WeightedRows, resamples: Resampled, loss: Loss, penalties: Sequence[Penalty], scale: Tensor | None, *,
    bias: bool, n_outputs: int, tolerance: float, start: tuple[Tensor, Tensor] | None,
) -> tuple[Tensor, Tensor] | None:  # fmt: skip
    """Return weights `[S, F, C, D]` and biases `[S, F, C]` near the optima, for shared columns; None: not to be had so.

    Args:
        rows, resamples, loss, penalties, bias, n_outputs, tolerance, start: as of `solve_folds`.
        scale: of the penalty of each shared column, `[F, D]`, inf for one that a fold does not have; None: ones.
    """
    if not _is_side_by_side(rows, resamples, loss, penalties, n_outputs):
        return None
    if scale is not None and not scale.isfinite().all():
        return None
    strengths = [float(penalty.l2) for penalty in penalties]
    order = sorted(range(len(strengths)), key=lambda s: -strengths[s])
    x, weight = rows.x.double(), None if rows.weight is None else rows.weight.double()
    each = torch.ones(len(resamples), x.shape[1], dtype=torch.float64) if scale is None else scale
    parts: list[tuple[Tensor, Tensor]] = []
    with threads_for(x.numel() * n_outputs):
        for folds, blocks in partitions(resamples):
            assert blocks is not None
            if not _all_classes(rows.y, blocks, folds.stop - folds.start, n_outputs):
                return None
            shared = FoldRows(x, rows.y, weight, blocks, n_outputs, bias=bias)
            parts.append(
                near_optima(
                    shared, [strengths[s] for s in order], each[folds], tolerance * math.log(n_outputs),
                    tight=tolerance < TIGHT, start=start,
                )
            )  # fmt: skip
    back = torch.tensor(order).argsort()
    found_weight, found_bias = (torch.cat(part, 1)[back] for part in zip(*parts, strict=True))
    return (found_weight, found_bias) if bool(found_weight.isfinite().all() and found_bias.isfinite().all()) else None


def _is_side_by_side(
    rows: WeightedRows, resamples: Resampled, loss: Loss, penalties: Sequence[Penalty], n_outputs: int
) -> bool:
    x, y, convex_loss = rows.x, rows.y, convex_loss_of(loss)
    if not isinstance(convex_loss, Softmax) or convex_loss.label_smoothing or resamples.fold is None or n_outputs < 2:
        return False
    if not isinstance(x, Tensor) or not x.is_floating_point() or y.dtype != torch.int64 or x.numel() == 0:
        return False
    if any(float(penalty.l1) > 0 or float(penalty.l2) <= 0 for penalty in penalties):
        return False
    if n_outputs * (x.shape[1] + 1) > DENSE:
        return False
    if x.numel() * n_outputs * len(resamples) * len(penalties) < WORTHWHILE:
        return False
    if int(y.min()) < 0 or int(y.max()) >= n_outputs or (rows.weight is not None and not bool((rows.weight > 0).all())):
        return False
    low, high = torch.aminmax(x)
    return SINGLE_RANGE[0] < max(float(high), -float(low)) < SINGLE_RANGE[1]


def _all_classes(y: Tensor, blocks: Tensor, n_folds: int, n_classes: int) -> bool:
    """Return whether each fold's training examples have all classes, without which there is no optimum with a bias."""
    held_out = torch.zeros(n_folds, n_classes, dtype=torch.int64)
    kept = blocks >= 0
    held_out.index_put_((blocks[kept], y[kept]), torch.ones(1, dtype=torch.int64), accumulate=True)
    return bool((held_out < torch.bincount(y, minlength=n_classes)).all())


def softmax_rows_of(
    rows: WeightedRows, counts: Tensor, features: Maps | None, fold: int, n_outputs: int, *, bias: bool
) -> SoftmaxRows:
    """Return the training examples of a fold, in its own features, as a certificate takes them.

    Args:
        rows: all examples, of weights above 0.
        counts: whether the fold trains on an example, `[N]`.
        features: of the folds; None: the shared columns.
        fold: its number.
        n_outputs: C.
        bias: whether there is one.
    """
    kept = counts > 0
    x = rows.x[kept].double()
    x = x if features is None else features.features_of(fold, x)
    weight = None if rows.weight is None else rows.weight[kept].double()
    if weight is not None:
        weight = weight * (len(weight) / math.fsum(weight.tolist()))
    return SoftmaxRows(Rows(x, rows.y[kept], weight), n_outputs, bias=bias, device=CPU)
