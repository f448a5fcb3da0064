"""Strengths of a penalty worth trying: a geometric path from the largest one downwards."""

import math

from linnet.losses import Loss
from linnet.penalties import NoPenalty, Penalty
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.problem import WeightedRows
from linnet.solvers.relative import Rows, solve_relative

LEAST_L1 = 1e-3
"""Share of l1 that a ridge penalty counts as having, since no finite strength makes its weights 0 (glmnet)."""
DIGITS = 5
"""Significant digits of a strength: as good as seventeen to train with, and better to read."""


def largest_strength(rows: WeightedRows, loss: Loss, penalty: Penalty, *, bias: bool, n_outputs: int) -> float:
    """Return the least λ for which all weights are 0 at the optimum, of l1 or an elastic net; 0 if all losses are flat.

    That is the largest derivative of the mean loss by a weight, where all weights are 0 and the bias is the best one,
    over the share of l1 in the penalty; at least `LEAST_L1`. For absolute error an example that the bias predicts
    exactly counts as flat.

    Source: Friedman, Hastie and Tibshirani, Regularization Paths for Generalized Linear Models via Coordinate Descent,
    2010, section 2.5.

    Args:
        rows: features `[N, D]` as they are penalised, dense, and their targets and weights.
        loss: one that has an exact solver.
        penalty: of any strength above 0.
        bias, n_outputs: of the model.

    Raises:
        ValueError: the loss has no exact solver, or without features no optimum.
    """
    x = rows.x.double()
    y = rows.y.double() if rows.y.is_floating_point() else rows.y
    intercept = x.new_zeros(n_outputs)
    if bias:
        alone = Rows(x[:, :0], y, rows.weight)
        found = solve_relative(alone, loss, NoPenalty(), bias=True, tolerance=1e-12, n_outputs=n_outputs)
        if not found.attained:
            raise ValueError(f"there is no best bias ({found.certificate})")
        intercept = found.bias
    z = intercept[:, None].expand(n_outputs, len(x)).contiguous()
    _, slope = convex_loss_of(loss).value_and_theta(z, y)
    weight = x.new_ones(len(x)) if rows.weight is None else rows.weight.double()
    gradient = (slope * (weight / weight.sum())) @ x
    share = float(penalty.l1) / (float(penalty.l1) + float(penalty.l2))
    return float(gradient.abs().amax()) / max(share, LEAST_L1) if gradient.numel() else 0.0


def strength_path(largest: float, count: int, ratio: float) -> list[float]:
    """Return `count` strengths from `largest` to `ratio` times that, each the same factor below the one before.

    The first one is rounded up, so that at it all weights are still 0; the others to `DIGITS`.
    """
    factor = ratio ** (1 / (count - 1)) if count > 1 else 1.0
    unit = 10.0 ** (math.floor(math.log10(largest)) - DIGITS + 1)
    first = float(f"{math.ceil(largest / unit) * unit:.{DIGITS}g}")
    return [first, *(float(f"{largest * factor**i:.{DIGITS}g}") for i in range(1, count))]
