"""Solve to a tolerance relative to the objective of predicting nothing."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from linnet.losses import Loss
from linnet.penalties import Penalty
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import WeightedRows
from linnet.solvers.solve import CPU, solve


@dataclass(frozen=True)
class Rows:
    """Features x `[N, D]`, a tensor or sparse, targets y as the loss takes them, and weights `[N]` or None."""

    x: Any
    y: Tensor
    weight: Tensor | None = None


def solve_relative(
    rows: WeightedRows,
    loss: Loss,
    penalty: Penalty,
    *,
    bias: bool,
    tolerance: float,
    n_outputs: int,
    origin: Tensor | None = None,
    start: tuple[Tensor, Tensor] | None = None,
    device: torch.device = CPU,
) -> Optimum:
    """Solve as `linnet.solvers.solve.solve` does, with a tolerance in units of the objective of predicting nothing.

    With a bias, where the loss depends on residuals only, targets are centred: predicting nothing is then predicting
    their mean, and residuals of large targets keep their digits.

    Args:
        tolerance: bound to reach, relative to the mean loss of zero predictions; in (0, inf).
        rows, loss, penalty, bias, n_outputs, origin, start, device: as of `solve`.

    Raises:
        ValueError: data, weights, loss and penalty that do not fit, or numbers that are not finite.
    """
    y, offset = rows.y, torch.zeros(())
    if bias and y.dtype == torch.float64 and loss.shift_invariant:
        offset = y.mean(0)
        y = y - offset
    centred = Rows(rows.x, y, rows.weight)
    scale = loss_of_zeros(centred, loss, n_outputs)
    if start is not None:
        start = start[0], start[1] - offset
    found = solve(
        centred, loss, penalty, bias=bias, tolerance=tolerance * scale, n_outputs=n_outputs, origin=origin, start=start,
        device=device,
    )  # fmt: skip
    return replace(found, bias=found.bias + offset)


def loss_of_zeros(rows: WeightedRows, loss: Loss, n_outputs: int) -> float:
    """Return the magnitude of the mean loss of zero predictions; 1 where that is 0."""
    if loss.task == "classification":  # one value for each class
        zeros = torch.zeros(1, n_outputs, n_outputs, dtype=torch.float64)
        values = loss.value(zeros, torch.arange(n_outputs))[:, rows.y.cpu()]
    else:
        zeros = torch.zeros(1, len(rows.y), n_outputs, dtype=rows.y.dtype)
        values = loss.value(zeros, rows.y.cpu()).double()
    return abs(float((values if rows.weight is None else values * rows.weight.cpu()).mean())) or 1.0
