"""A convex training problem, and passes over its examples in chunks of any precision."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from linnet.solvers.conjugate import Family

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
    """Minimise F(W, b) = 1/N Σ_i w_i ℓ(W x_i + b, y_i) + absolute ‖W‖₁ + squared/2 ‖W‖².

    Attributes:
        x: `[N, D]`, float32 or float64.
        y: targets as the loss takes them, `[N, C]` or `[N]`.
        family: the loss and its convex analysis; it holds the weights w of the examples, of mean 1, where they differ.
        n_outputs: C.
        absolute, squared: coefficients of the penalty, at least 0.
        bias: whether there is a bias, which is never penalised.
        origin: what was subtracted from the features before, `[D]`, in their units: the size of their rounding errors;
            None for features that are exact.
    """

    x: Tensor
    y: Tensor
    family: Family
    n_outputs: int
    absolute: float
    squared: float
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
        return self.family.weight

    def zeros(self) -> tuple[Tensor, Tensor]:
        """Weight `[C, D]` and bias `[C]` of zeros, float64."""
        weight = torch.zeros(self.n_outputs, self.n_features, dtype=torch.float64)
        return weight, torch.zeros(self.n_outputs, dtype=torch.float64)

    def penalty(self, weight: Tensor) -> float:
        """absolute ‖W‖₁ + squared/2 ‖W‖²."""
        return float(self.absolute * weight.abs().sum() + 0.5 * self.squared * weight.square().sum())

    def chunks(self, dtype: torch.dtype) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Rows, their features and targets in `dtype`, in turn; valid until the next."""
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
        """Predictions z `[C, N]`, in the precision of the weight."""
        parts = [torch.addmm(bias[:, None], weight, x.T) for _, x, _ in self.chunks(weight.dtype)]
        return torch.cat(parts, 1)

    def restricted(self, rows: Tensor) -> tuple["Problem", float]:
        """The problem of the examples `rows` (a mask `[N]`), with their own weights, and their share of all weight."""
        share = float(self.family.mean(rows.double()))
        family = self.family.of(rows)
        if family.weight is not None:
            family = family.weighted(family.weight / family.weight.mean())
        return replace(self, x=self.x[rows], y=self.y[rows], family=family), share

    def transpose(self, theta: Tensor) -> Tensor:
        """1/N Σ_i θ_i x_iᵀ, `[C, D]`: the adjoint of prediction by the weight, over N."""
        total = theta.new_zeros(len(theta), self.n_features)
        for rows, x, _ in self.chunks(theta.dtype):
            total += theta[:, rows] @ x
        return total / self.n_examples

    @cached_property
    def targets(self) -> Tensor:
        """y, in float64 if it is not a class index."""
        return self.y.double() if self.y.is_floating_point() else self.y

    def design(self) -> Tensor:
        """Features with a column of ones for the bias, `[N, D or D + 1]`, float64. For small problems."""
        x = self.x.double()
        return torch.cat([x, x.new_ones(len(x), 1)], 1) if self.bias else x
