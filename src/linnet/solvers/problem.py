"""A convex training problem, and passes over its examples in chunks of any precision."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from linnet.solvers.convex_loss import ConvexLoss

CHUNK_NUMBERS = 16_000_000
"""Features converted to another precision at a time: 128 MB in float64."""


class WeightedRows(Protocol):
    """Examples as the solvers take them; see `linnet.data.Examples`."""

    @property
    def x(self) -> Any:
        """Features `[N, D]`: a tensor, or a sparse matrix of scipy or torch."""

    @property
    def y(self) -> Tensor:
        """Targets `[N, C]`, or class indices `[N]`."""

    @property
    def weight(self) -> Tensor | None:
        """Weights `[N]`, at least 0; None where all are equal."""


def by_columns(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Copy features `[N, D]` to memory in which each column lies in one piece.

    Products with few rows `[C, D]` or `[C, N]` take half the time then, in float64 a quarter.
    """
    return torch.empty(x.shape[1], x.shape[0], dtype=dtype).copy_(x.T).T


def are_opposite(pair: Tensor) -> bool:
    """Return whether `[C, …]` is a pair (−a, a), for which half of the work is enough: rounding is symmetric."""
    return len(pair) == 2 and torch.equal(pair[0], -pair[1])


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
        if are_opposite(weight) and are_opposite(bias):
            one = self.predict(weight[1:], bias[1:])
            return torch.cat([-one, one])
        parts = [torch.addmm(bias[:, None], weight, x.T) for _, x, _ in self.chunks(weight.dtype)]
        return torch.cat(parts, 1)

    def restricted(self, rows: Tensor) -> tuple["Problem", float]:
        """Restrict to the examples `rows` (a mask `[N]`); return the problem and their share of the total weight."""
        share = float(self.convex_loss.mean(rows.double()))
        convex_loss = self.convex_loss.of(rows)
        if convex_loss.weight is not None:
            convex_loss = convex_loss.weighted(convex_loss.weight / convex_loss.weight.mean())
        return replace(self.of_rows(rows), y=self.y[rows], convex_loss=convex_loss), share

    def of_rows(self, rows: Tensor) -> "Problem":
        """Return the problem with the features of some examples only (a mask `[N]`); its targets are still all."""
        return replace(self, x=self.x[rows])

    def transpose(self, theta: Tensor) -> Tensor:
        """Compute 1/N Σ_i θ_i x_iᵀ, `[C, D]`: the adjoint of prediction by the weight, over N."""
        if are_opposite(theta):
            one = self.transpose(theta[1:])
            return torch.cat([-one, one])
        total = theta.new_zeros(len(theta), self.n_features)
        for rows, x, _ in self.chunks(theta.dtype):
            total += theta[:, rows] @ x
        return total / self.n_examples

    def there_and_back(
        self, weight: Tensor, bias: Tensor, theta: Callable[[slice, Tensor, Tensor], Tensor], dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """Compute 1/N Σ_i θ_i x_iᵀ `[C, D]` and 1/N Σ_i θ_i `[C]`, in float64, in one pass over the examples.

        Args:
            weight, bias: of predictions z, `[C, D]` and `[C]`.
            theta: called for rows, their z and their targets, in `dtype`; returns their θ `[C, rows]`.
            dtype: of the products; sums over chunks are in float64.
        """
        low_weight, low_bias = weight.to(dtype), bias.to(dtype)
        total = torch.zeros(weight.shape, dtype=torch.float64)
        slope = torch.zeros(bias.shape, dtype=torch.float64)
        for rows, x, y in self.chunks(dtype):
            part = theta(rows, torch.addmm(low_bias[:, None], low_weight, x.T), y)
            total += part @ x
            slope += part.sum(1)
        return total / self.n_examples, slope / self.n_examples

    @property
    def longest_row(self) -> int:
        """Most products that are added up for one prediction, besides the bias."""
        return self.n_features

    @property
    def longest_column(self) -> int:
        """Most products that are added up in `transpose` for one feature."""
        return self.n_examples

    def predict_sizes(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Compute |W||x_i| + |b| `[C, N]`, float64: what rounding errors of predictions are shares of."""
        parts = [
            torch.addmm(bias.abs()[:, None], weight.abs(), x.abs().T) for _, x, _ in self.chunks(torch.float64)
        ]  # fmt: skip
        return torch.cat(parts, 1)

    def transpose_sizes(self, size: Tensor) -> Tensor:
        """Compute 1/N Σ_i s_i |x_i|ᵀ `[C, D]` for sizes `[C, N]`, float64."""
        total = size.new_zeros(len(size), self.n_features)
        for rows, x, _ in self.chunks(torch.float64):
            total += size[:, rows] @ x.abs()
        return total / self.n_examples

    @cached_property
    def largest_of_all(self) -> float:
        """Largest magnitude of all features; 0 if there are none."""
        if self.x.numel() == 0:
            return 0.0
        columns = self.x.T  # in one piece where x is laid out by columns, which takes a tenth of the time
        low, high = torch.aminmax(columns if columns.is_contiguous() else self.x)
        return max(float(high), -float(low))

    @cached_property
    def largest(self) -> Tensor:
        """Largest magnitude of each feature, `[D]`, float64."""
        largest = torch.zeros(self.n_features, dtype=torch.float64)
        for _, x, _ in self.chunks(torch.float64):
            # Not |x|, which would be as large as x.
            largest = torch.maximum(largest, torch.maximum(x.amax(0), -x.amin(0)))
        return largest

    @cached_property
    def targets(self) -> Tensor:
        """y, in float64 if it is not a class index."""
        return self.y.double() if self.y.is_floating_point() else self.y

    def design(self) -> Tensor:
        """Return features with a column of ones for the bias, `[N, D or D + 1]`, float64. For small problems."""
        x = self.dense_features()
        return torch.cat([x, x.new_ones(len(x), 1)], 1) if self.bias else x

    def columns(self, features: Tensor) -> Any:
        """Return the columns of some features (indices), and one of ones if there is a bias, for `gram`."""
        ones = self.x.new_ones(self.n_examples, int(self.bias))
        return torch.cat([self.x.index_select(1, features), ones], 1)

    def gram(self, left: Any, weight: Tensor, right: Any) -> Tensor:
        """Compute leftᵀ diag(weight) right of two results of `columns`, float64."""
        product: Tensor = (left * weight[:, None]).T @ right
        return product.double()

    def part(self, rows: Tensor, features: Tensor) -> Tensor:
        """Return some rows (a mask `[N]`) and features (a mask `[D]`) as a tensor, float64."""
        return self.x[rows][:, features].double()

    def dense_features(self) -> Tensor:
        """Return the features as a tensor `[N, D]`, float64. For small problems."""
        return self.x.double()
