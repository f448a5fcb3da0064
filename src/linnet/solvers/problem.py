"""A convex training problem, and passes over its examples in chunks of any precision."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from linnet.solvers.convex_loss import ConvexLoss

CHUNK_NUMBERS = 16_000_000
"""Features converted to another precision at a time: 128 MB in float64."""


class WeightedRows(Protocol):
    """Examples as the solvers take them; see `linnet.data.Examples`."""

    @property
    def x(self) -> Tensor:
        """Features `[N, D]`."""

    @property
    def y(self) -> Tensor:
        """Targets `[N, C]`, or class indices `[N]`."""

    @property
    def weight(self) -> Tensor | None:
        """Weights `[N]`, at least 0; None where all are equal."""


@dataclass(frozen=True)
class Problem:
    """Minimise F(W, b) = 1/N Σ_i w_i ℓ(W x_i + b, y_i) + l1 ‖W‖₁ + l2/2 ‖W‖².

    Attributes:
        x: `[N, D]`, float32 or float64.
        y: targets as the loss takes them, `[N, C]` or `[N]`.
        convex_loss: the loss with its conjugate; holds the weights w of the examples, of mean 1, if they differ.
        n_outputs: C.
        l1, l2: coefficients of the penalty, at least 0.
        bias: whether there is a bias, which is never penalised.
        origin: what was subtracted from the features before, `[D]`, in their units: the size of their rounding errors;
            None for features that are exact.
    """

    x: Tensor
    y: Tensor
    convex_loss: ConvexLoss
    n_outputs: int
    l1: float
    l2: float
    bias: bool
    origin: Tensor | None = None

    @property
    def n_examples(self) -> int:
        return self.x.shape[0]

    @property
    def n_features(self) -> int:
        return self.x.shape[1]

    @property
    def weight(self) -> Tensor | None:
        """Weights of the examples `[N]`, all above 0 and of mean 1; None for ones."""
        return self.convex_loss.weight

    def zeros(self) -> tuple[Tensor, Tensor]:
        """Weight `[C, D]` and bias `[C]` of zeros, float64."""
        weight = torch.zeros(self.n_outputs, self.n_features, dtype=torch.float64)
        return weight, torch.zeros(self.n_outputs, dtype=torch.float64)

    def penalty(self, weight: Tensor) -> float:
        """Compute l1 ‖W‖₁ + l2/2 ‖W‖²."""
        return float(self.l1 * weight.abs().sum() + 0.5 * self.l2 * weight.square().sum())

    def chunks(self, dtype: torch.dtype) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield rows with their features and targets in `dtype`, valid until the next."""
        if dtype == self.x.dtype:
            yield slice(0, self.n_examples), self.x, self.y
            return
        size = min(self.n_examples, max(1, CHUNK_NUMBERS // max(1, self.n_features)))
        # One piece of memory for all conversions: a fresh one a chunk costs more than the conversion.
        memory = torch.empty(size, self.n_features, dtype=dtype)
        for start in range(0, self.n_examples, size):
            rows = slice(start, min(start + size, self.n_examples))
            y = self.y[rows]
            x = memory[: len(y)].copy_(self.x[rows])
            yield rows, x, y.to(dtype) if y.is_floating_point() else y

    def predict(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Compute predictions z `[C, N]`, in the precision of the weight."""
        parts = [torch.addmm(bias[:, None], weight, x.T) for _, x, _ in self.chunks(weight.dtype)]
        return torch.cat(parts, 1)

    def restricted(self, rows: Tensor) -> tuple["Problem", float]:
        """Restrict to the examples `rows` (a mask `[N]`); return the problem and their share of the total weight."""
        share = float(self.convex_loss.mean(rows.double()))
        convex_loss = self.convex_loss.of(rows)
        if convex_loss.weight is not None:
            convex_loss = convex_loss.weighted(convex_loss.weight / convex_loss.weight.mean())
        return replace(self, x=self.x[rows], y=self.y[rows], convex_loss=convex_loss), share

    def transpose(self, theta: Tensor) -> Tensor:
        """Compute 1/N Σ_i θ_i x_iᵀ, `[C, D]`: the adjoint of prediction by the weight, over N."""
        total = theta.new_zeros(len(theta), self.n_features)
        for rows, x, _ in self.chunks(theta.dtype):
            total += theta[:, rows] @ x
        return total / self.n_examples

    @cached_property
    def targets(self) -> Tensor:
        """y, in float64 if it is not a class index."""
        return self.y.double() if self.y.is_floating_point() else self.y

    def design(self) -> Tensor:
        """Return features with a column of ones for the bias, `[N, D or D + 1]`, float64. For small problems."""
        x = self.x.double()
        return torch.cat([x, x.new_ones(len(x), 1)], 1) if self.bias else x
