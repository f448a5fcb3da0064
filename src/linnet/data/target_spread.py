"""How far the targets of a regression are from their mean, which r2 compares with."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class TargetSpread:
    """Running sums over targets `[n, C]`, in float64.

    n: targets so far.
    mean: of each output `[C]`.
    squares: Σ (target − mean)², over all outputs, a number.
    constant: whether every output has one value only. The mean of N equal numbers need not equal them in floating
        point: constancy is asked of the data instead.
    """

    n: int = 0
    mean: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
    squares: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    constant: bool = True
    _first: Tensor | None = None

    def add(self, target: Tensor) -> None:
        """Add B more targets `[B, C]`."""
        truth = target.double()
        n, mean = len(truth), truth.mean(dim=0)
        squares = (truth - mean).square().sum()
        if self._first is None:
            self._first, self.mean, self.squares = target[:1].clone(), mean, squares
        else:  # Chan, Golub and LeVeque, Updating formulae for computing sample variances, 1979
            apart = mean - self.mean
            self.squares = self.squares + squares + apart.square().sum() * (self.n * n / (self.n + n))
            self.mean = self.mean + apart * (n / (self.n + n))
        self.constant = self.constant and bool((target == self._first).all())
        self.n += n
