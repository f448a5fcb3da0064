"""Smoothness and strong convexity of an objective: stable steps of gradient descent, and their number.

With Σ = X̃ᵀX̃/N, X̃ the features and a column of ones for the bias, and κ the largest second derivative of the loss, the
Hessian is at most κΣ ⊗ I + l2 · I on the weights. It is exactly that for squared error; for Huber's loss (κ = 1)
and softmax regression (κ = ½: Böhning, "Multinomial logistic regression algorithm", 1992) it is a bound, and so all
numbers here are bounds: at smaller curvature longer steps may be stable and fewer may do. Of weighted examples, Σ is
the weighted mean of x̃x̃ᵀ.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from linnet.losses import Loss
from linnet.penalties import Penalty
from linnet.solvers.convex_losses import Quadratic, convex_loss_of


@dataclass(frozen=True)
class Curvature:
    """Extreme eigenvalues of the Hessian's bound.

    Attributes:
        largest: L; no second derivative of the objective is larger, in any direction.
        smallest: μ; of the Hessian if exact, else of its bound; 0 where it is rounding only.
        exact: whether the Hessian is this matrix everywhere, and not only below it.
    """

    largest: float
    smallest: float
    exact: bool

    @property
    def condition(self) -> float:
        """L/μ, inf if singular."""
        return self.largest / self.smallest if self.smallest > 0 else math.inf

    @property
    def largest_stable_step(self) -> float:
        """2/L: gradient descent on all examples with a smaller learning rate converges.

        On an exactly quadratic objective it diverges with any larger one.
        """
        return 2 / self.largest if self.largest > 0 else math.inf

    def steps(self) -> float:
        """Return the number of gradient descent steps at rate 1/L that shrink the error to a millionth.

        For a quadratic objective: each step multiplies the component along an eigenvalue h by 1 − h/L.

        Returns:
            A whole number, inf if a direction is flat.
        """
        if self.largest == 0:
            return math.inf
        step = 1 / self.largest
        rate = max(abs(1 - step * self.smallest), abs(1 - step * self.largest))
        if rate >= 1:
            return math.inf
        return 1.0 if rate == 0 else float(math.ceil(math.log(1e-6) / math.log(rate)))


def curvature(
    x: Tensor, loss: Loss, penalty: Penalty, *, bias: bool, sample_weight: Tensor | None = None
) -> Curvature | None:
    """Compute eigenvalues of the bound of the objective's Hessian; None if the loss has none (absolute error, Poisson).

    The l1 part of a penalty is not smooth and left to a proximal step; it does not count.

    Args:
        x: features `[N, D]`; their Gram matrix is formed in float64.
        loss: any of linnet's.
        penalty: with a number for its coefficient, not one per model.
        bias: whether there is one.
        sample_weight: of the examples `[N]`, at least 0; None for ones.
    """
    convex_loss = convex_loss_of(loss)
    if convex_loss.smoothness is None:
        return None
    hessian = _second_moment(x, bias, sample_weight) * convex_loss.smoothness
    hessian.diagonal()[: x.shape[1]] += float(penalty.l2)
    eigenvalues = torch.linalg.eigvalsh(hessian)
    least, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    rounding = len(hessian) * torch.finfo(torch.float64).eps * largest
    return Curvature(largest, least if least > rounding else 0.0, isinstance(convex_loss, Quadratic))


def _second_moment(x: Tensor, bias: bool, sample_weight: Tensor | None) -> Tensor:
    """Compute Σ, float64. numpy detects that both factors are one matrix, which halves the work of torch's product."""
    width = x.shape[1] + bias
    if x.device.type != "cpu":
        return _second_moment_there(x, bias, sample_weight)
    total = np.zeros((width, width))
    block = np.ones((min(BLOCK, len(x)), width))
    root = None if sample_weight is None else sample_weight.detach().cpu().double().sqrt().numpy()[:, None]
    for start in range(0, len(x), BLOCK):
        rows = x[start : start + BLOCK].detach().cpu().numpy()
        block[: len(rows), : x.shape[1]] = rows
        if root is not None:
            block[: len(rows), x.shape[1] :] = 1.0
            block[: len(rows)] *= root[start : start + BLOCK]
        total += block[: len(rows)].T @ block[: len(rows)]
    return torch.from_numpy(total / (len(x) if root is None else np.square(root).sum()))


def _second_moment_there(x: Tensor, bias: bool, sample_weight: Tensor | None) -> Tensor:
    """Compute Σ, float64, on the device of the features."""
    total = x.new_zeros(x.shape[1] + bias, x.shape[1] + bias, dtype=torch.float64)
    for start in range(0, len(x), BLOCK):
        rows = x[start : start + BLOCK].detach().double()
        rows = torch.cat([rows, rows.new_ones(len(rows), 1)], 1) if bias else rows
        part = None if sample_weight is None else sample_weight[start : start + BLOCK, None].to(rows)
        total += (rows if part is None else rows * part).T @ rows
    return (total / (len(x) if sample_weight is None else float(sample_weight.sum()))).cpu()


BLOCK = 16_384
"""Rows converted to float64 at a time."""
