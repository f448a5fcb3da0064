"""Strengths of a penalty worth trying: a geometric path from the largest one downwards."""

import math

import torch
from torch import Tensor

from linnet.losses import Loss
from linnet.penalties import NoPenalty, Penalty
from linnet.solvers.blockwise.solve import LARGE, fits_blocks
from linnet.solvers.convex_losses import Robust, convex_loss_of
from linnet.solvers.problem import WeightedRows
from linnet.solvers.relative import Rows, solve_relative

SHRUNK = 100.0
"""Strength of l2 that a path begins at, in units of the largest curvature: no finite one makes all weights 0."""
DIGITS = 5
"""Significant digits of a strength: as good as seventeen to train with, and better to read."""


def largest_strength(rows: WeightedRows, loss: Loss, penalty: Penalty, *, bias: bool, n_outputs: int) -> float:
    """Return the strength that a path begins at; 0 if no feature has anything to do with the targets.

    With an l1 part it is the least λ for which all weights are 0 at the optimum: the largest derivative of the mean
    loss by a weight, where all weights are 0 and the bias is the best one, over the share of l1. For absolute
    error an example that the bias predicts exactly counts as flat.
    Of l2 alone it is `SHRUNK` times the largest second derivative there, by a single weight, so that all are shrunk at
    least about so many times, whatever the units of the targets.

    Source: Friedman, Hastie and Tibshirani, Regularization Paths for Generalized Linear Models via Coordinate Descent,
    2010, section 2.5.

    Args:
        rows: features `[N, D]` as they are penalised, dense, and their targets and weights.
        loss: one that has an exact solver.
        penalty: of any strength above 0.
        bias, n_outputs: of the model.

    Raises:
        ValueError: the loss has no exact solver, or without features no optimum, or a derivative is not finite.
    """
    if fits_blocks(loss, penalty) and len(rows.y) * n_outputs >= LARGE:
        return _largest_of_softmax(rows, bias, n_outputs)
    x, convex_loss = rows.x.double(), convex_loss_of(loss)
    y = rows.y.double() if rows.y.is_floating_point() else rows.y
    intercept = x.new_zeros(n_outputs)
    if bias:
        alone = Rows(x[:, :0], y, rows.weight)
        found = solve_relative(alone, loss, NoPenalty(), bias=True, tolerance=1e-12, n_outputs=n_outputs)
        if not found.attained:
            raise ValueError(f"there is no best bias ({found.certificate})")
        intercept = found.bias
    z = intercept[:, None].expand(n_outputs, len(x)).contiguous()
    weight = x.new_ones(len(x)) if rows.weight is None else rows.weight.double()
    share = weight / weight.sum()
    l1, l2 = float(penalty.l1), float(penalty.l2)
    if l1 == 0:
        if isinstance(convex_loss, Robust):  # of a parabola as steep as the loss where residuals are of mean size
            curvature = convex_loss.slope / ((z - y.T).abs() @ share).clamp(min=convex_loss.width)[:, None] * share
        else:
            curvature = convex_loss.curvature(z, y, 1.0) * share
        return SHRUNK * _largest(curvature @ x.square())
    _, slope = convex_loss.value_and_theta(z, y)
    return _largest((slope * share) @ x) * (l1 + l2) / l1


def _largest_of_softmax(rows: WeightedRows, bias: bool, n_outputs: int) -> float:
    """Return `largest_strength` of softmax with l2, without an array of all logits.

    With the best bias all examples have the probabilities that are the classes' shares.
    """
    y = rows.y.cpu()
    weight = torch.ones(len(y), dtype=torch.float64) if rows.weight is None else rows.weight.cpu().double()
    shares = torch.bincount(y, weight, minlength=n_outputs) / weight.sum()
    if bias and not shares.all():
        raise ValueError("there is no best bias (a class has no example)")
    squares = torch.zeros(rows.x.shape[1], dtype=torch.float64)
    for some, part in zip(rows.x.split(BLOCK), weight.split(BLOCK), strict=True):
        squares += (part.to(some.device) @ some.double().square()).cpu()
    most = float(shares.max()) if bias else 1 / n_outputs
    return SHRUNK * most * float(squares.max() / weight.sum())


BLOCK = 16_384
"""Rows converted to float64 at a time."""


def _largest(part: Tensor) -> float:
    """Return the largest magnitude of a derivative, 0 without features; raise ValueError if one is not finite."""
    largest = float(part.abs().amax()) if part.numel() else 0.0
    if not math.isfinite(largest):
        raise ValueError("derivatives are not finite: features or targets are too large, or the bias fits all exactly")
    return largest


def strength_path(largest: float, count: int, ratio: float) -> list[float]:
    """Return `count` strengths from `largest` to `ratio` times that, each the same factor below the one before.

    The first one is rounded up, so that at it all weights are still 0; the others to `DIGITS`.
    """
    factor = ratio ** (1 / (count - 1)) if count > 1 else 1.0
    unit = 10.0 ** (math.floor(math.log10(largest)) - DIGITS + 1)
    first = float(f"{math.ceil(largest / unit) * unit:.{DIGITS}g}")
    return [first, *(float(f"{largest * factor**i:.{DIGITS}g}") for i in range(1, count))]
