"""A training problem of sparse features: the operations of `Problem` by products with a matrix in compressed rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from linnet.solvers.convex_loss import ConvexLoss
from linnet.solvers.problem import CHUNK_NUMBERS, Problem


@dataclass(frozen=True, kw_only=True)
class SparseProblem(Problem):
    """A problem whose features are `matrix`; x has only their shape and type, and no memory.

    scipy adds the products of a row, or of a column, one after the other, so that rounding errors are those of sums
    as long as the fullest row and column.

    Attributes:
        matrix: CSR `[N, D]`, float64, each position once; see `compressed_rows`.
    """

    matrix: Any

    @classmethod
    def of(
        cls, matrix: Any, y: Tensor, convex_loss: ConvexLoss, n_outputs: int, l1: float, l2: float, bias: bool
    ) -> "SparseProblem":
        """Return the problem of a CSR matrix, which is converted to float64."""
        matrix = matrix.astype(np.float64, copy=False)
        x = torch.empty(matrix.shape, dtype=torch.float64, device="meta")
        return cls(x, y, convex_loss, n_outputs, l1, l2, bias, matrix=matrix)

    def dense(self) -> Problem:
        """Return the same problem with dense features."""
        return Problem(
            self.dense_features(), self.y, self.convex_loss, self.n_outputs, self.l1, self.l2, self.bias, self.origin
        )

    def dense_features(self) -> Tensor:
        return torch.from_numpy(self.matrix.toarray())

    def columns(self, features: Tensor) -> Any:
        some = self.matrix[:, features.numpy()]
        return scipy.sparse.hstack([some, np.ones((self.n_examples, 1))], format="csr") if self.bias else some

    def gram(self, left: Any, weight: Tensor, right: Any) -> Tensor:
        rows = np.repeat(weight.numpy(), np.diff(left.indptr))
        weighted = scipy.sparse.csr_array((left.data * rows, left.indices, left.indptr), left.shape)
        return torch.from_numpy((weighted.T @ right).toarray())

    def part(self, rows: Tensor, features: Tensor) -> Tensor:
        some = self.matrix[np.flatnonzero(rows.numpy())][:, np.flatnonzero(features.numpy())]
        return torch.from_numpy(some.toarray())

    def of_features(self, used: Tensor) -> "SparseProblem":
        """Return the problem of some features only (a mask `[D]`)."""
        matrix = self.matrix[:, np.flatnonzero(used.numpy())]
        return replace(self, x=self.x.new_empty(matrix.shape), matrix=matrix)

    def of_rows(self, rows: Tensor) -> "SparseProblem":
        matrix = self.matrix[np.flatnonzero(rows.numpy())]
        return replace(self, x=self.x.new_empty(matrix.shape), matrix=matrix)

    def chunks(self, dtype: torch.dtype) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield rows with their features, made dense, and targets in `dtype`."""
        size = max(1, CHUNK_NUMBERS // max(1, self.n_features))
        for start in range(0, self.n_examples, size):
            rows = slice(start, min(start + size, self.n_examples))
            y = self.y[rows]
            x = torch.from_numpy(self.matrix[rows].toarray()).to(dtype)
            yield rows, x, y.to(dtype) if y.is_floating_point() else y

    def predict(self, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.from_numpy(_times(self.matrix, weight)).add_(bias[:, None])

    def transpose(self, theta: Tensor) -> Tensor:
        return torch.from_numpy(_times(self.matrix.T, theta)) / self.n_examples

    def there_and_back(
        self, weight: Tensor, bias: Tensor, theta: Callable[[slice, Tensor, Tensor], Tensor], dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        found = theta(slice(0, self.n_examples), self.predict(weight, bias), self.targets)
        return self.transpose(found), found.sum(1) / self.n_examples

    @property
    def longest_row(self) -> int:
        return int(np.diff(self.matrix.indptr).max(initial=0))

    @property
    def longest_column(self) -> int:
        return int(np.bincount(self.matrix.indices, minlength=1).max())

    def predict_sizes(self, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.from_numpy(_times(abs(self.matrix), weight.abs())).add_(bias.abs()[:, None])

    def transpose_sizes(self, size: Tensor) -> Tensor:
        return torch.from_numpy(_times(abs(self.matrix).T, size)) / self.n_examples

    @cached_property
    def squares(self) -> Any:
        """The matrix of squared features."""
        with np.errstate(over="ignore"):  # an infinite one says that the feature must not move
            squares = np.square(self.matrix.data)
        return scipy.sparse.csr_array((squares, self.matrix.indices, self.matrix.indptr), shape=self.matrix.shape)

    def transpose_squares(self, theta: Tensor) -> Tensor:
        """Compute 1/N Σ_i θ_i x_i²ᵀ, `[C, D]`."""
        return torch.from_numpy(_times(self.squares.T, theta)) / self.n_examples

    @cached_property
    def largest_of_all(self) -> float:
        return float(np.abs(self.matrix.data).max(initial=0.0))

    @cached_property
    def largest(self) -> Tensor:
        largest = np.zeros(self.n_features)
        np.maximum.at(largest, self.matrix.indices, np.abs(self.matrix.data))
        return torch.from_numpy(largest)


def _times(matrix: Any, right: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Compute right matrixᵀ, `[C, N]`, for `[C, D]` in float64."""
    if len(right) == 1:  # half the time of the product with a matrix of one column
        return np.asarray(matrix @ right[0].numpy())[None]
    return np.ascontiguousarray((matrix @ np.ascontiguousarray(right.numpy().T)).T)
