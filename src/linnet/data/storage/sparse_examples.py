"""Examples whose features are mostly zeros, kept in compressed rows from reading to prediction."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from linnet.data.batch import Batch
from linnet.data.standardizer import CONSTANT_ULPS, Standardizer
from linnet.data.storage.examples import Examples
from linnet.solvers.sparse.features import compressed_rows
from linnet.system.errors import InputError

GROUP = 2**20
"""Entries that are gathered at a time."""


class SparseExamples(Examples):
    """N examples of sparse features, y and weight as in `Examples`.

    Batches hold coalesced COO tensors `[B, D]`, of which `linnet.models.sparse_rows` multiplies entries only.

    matrix: CSR of scipy `[N, D]`, float32 or float64, each position once; as `compressed_rows` makes it.
    """

    can_move: ClassVar[bool] = False
    gathers_without_waiting: ClassVar[bool] = False

    matrix: Any

    def __init__(self, matrix: Any, y: Tensor, weight: Tensor | None = None) -> None:
        vars(self).update(matrix=matrix, y=y, weight=weight)  # past the base class, which is frozen

    @classmethod
    def of(
        cls, x: Any, y: Tensor, weight: Tensor | None = None, *, dtype: torch.dtype, scaling: Standardizer | None = None
    ) -> "SparseExamples":
        """Return examples of sparse features `[N, D]` of scipy or torch, rounded to dtype last.

        Args:
            x: shares its memory with the examples where nothing is changed.
            y, weight: of a dtype to train on.
            dtype: float32 or float64.
            scaling: divides the features, see `sparse_standardizer`.

        Raises:
            InputError: NaN, infinite or complex features, or too large for dtype.
        """
        try:
            matrix = compressed_rows(x)
        except ValueError as error:
            raise InputError(str(error)) from error
        if scaling is not None:
            if bool(scaling.mean.any()):
                raise InputError("sparse features cannot be centred and stay sparse: scale them only")
            values = matrix.data / scaling.deviation.numpy()[matrix.indices]
            matrix = type(matrix)((values, matrix.indices, matrix.indptr), shape=matrix.shape)
        with np.errstate(over="ignore"):
            rounded = matrix.astype(str(dtype).removeprefix("torch."), copy=False)
        if not np.isfinite(rounded.data).all():
            raise InputError("a feature is too large for float32: use float64")
        return cls(rounded, y, weight)

    @property
    def x(self) -> Tensor:
        """Features `[N, D]` as a coalesced COO tensor, made for those who need all of them at once."""
        return _tensor(self.matrix)

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    @property
    def n_features(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def dtype(self) -> torch.dtype:
        kind: torch.dtype = getattr(torch, str(self.matrix.dtype))
        return kind

    def take(self, rows: Tensor) -> "SparseExamples":
        weight = None if self.weight is None else self.weight.index_select(0, rows)
        return SparseExamples(self.matrix[rows.numpy()], self.y.index_select(0, rows), weight)

    def batches(self, rows: Tensor, sizes: list[int]) -> Iterator[Batch]:
        targets = self.y.index_select(0, rows).split(sizes)
        weights = [None] * len(sizes) if self.weight is None else self.weight.index_select(0, rows).split(sizes)
        lengths = np.diff(self.matrix.indptr)[rows.numpy()]
        ends = np.cumsum([0, *sizes])
        n_entries = np.concatenate([[0], np.cumsum(lengths)])[ends]
        first = 0
        while first < len(sizes):  # gathering many batches at once takes a fifth of the time
            last = max(first + 1, int(np.searchsorted(n_entries, n_entries[first] + GROUP, side="right")) - 1)
            group = slice(ends[first], ends[last])
            found = self.matrix[rows[group].numpy()]
            within = np.concatenate([np.arange(size) for size in sizes[first:last]])
            indices = torch.from_numpy(np.stack([np.repeat(within, lengths[group]), found.indices]).astype(np.int64))
            values = torch.from_numpy(found.data)
            for k in range(first, last):
                some = slice(n_entries[k] - n_entries[first], n_entries[k + 1] - n_entries[first])
                x = _coo(indices[:, some], values[some], (sizes[k], self.n_features))
                yield Batch(x, targets[k], weight=weights[k])
            first = last

    def chunks(self, size: int) -> Iterator[Batch]:
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            weight = None if self.weight is None else self.weight[rows]
            yield Batch(_tensor(self.matrix[rows]), self.y[rows], weight=weight)

    def to(self, device: torch.device) -> "SparseExamples":
        if device.type != "cpu":
            raise InputError(f"sparse features are trained on with the CPU, not with {device.type}: use trainer=cpu")
        return self


def _tensor(matrix: Any) -> Tensor:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    indices = torch.from_numpy(np.stack([rows, matrix.indices]).astype(np.int64, copy=False))
    return _coo(indices, torch.from_numpy(matrix.data), matrix.shape)


def _coo(indices: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_coo_tensor(indices, values, shape, is_coalesced=True, check_invariants=False)


def sparse_standardizer(x: Any, weight: Tensor | None = None, *, bias: bool) -> Standardizer:
    """Find the scaling of sparse features, which are not centred: zeros would become other numbers.

    With a bias, the deviation is the standard deviation about the mean, as of scikit-learn's
    `StandardScaler(with_mean=False)`. Where the bias is not penalised, centring would change nothing but the bias, so
    that optima are those of features of mean 0 and variance 1. Without a bias it is the root mean square, as of
    dense features. 1 for a feature that is always the same, or 0 without a bias.

    Args:
        x: CSR `[N, D]`, as `compressed_rows` makes it.
        weight: of the examples `[N]`; None: all the same.
        bias: whether the model has one.
    """
    values, columns, n_features = x.data.astype(np.float64), x.indices, x.shape[1]
    each = np.ones(x.shape[0]) if weight is None else weight.double().numpy()
    weights, total = np.repeat(each, np.diff(x.indptr)), each.sum()

    def sums(terms: Any) -> Any:
        return np.bincount(columns, terms, n_features)

    mean = sums(weights * values) / total if bias else np.zeros(n_features)
    of_zeros = np.maximum(total - sums(weights), 0.0)  # weight of the examples where a feature is 0
    square = sums(weights * np.square(values - mean[columns])) + of_zeros * np.square(mean)
    full = np.bincount(columns[weights > 0], minlength=n_features) == (each > 0).sum()
    low, high = np.where(full, np.inf, 0.0), np.where(full, -np.inf, 0.0)
    np.minimum.at(low, columns[weights > 0], values[weights > 0])
    np.maximum.at(high, columns[weights > 0], values[weights > 0])
    constant = high - low <= CONSTANT_ULPS * np.spacing(np.maximum(np.abs(low), np.abs(high)))
    if not bias:
        constant &= low == 0
    found = torch.from_numpy(np.where(constant, 1.0, np.sqrt(square / total)))
    return Standardizer(torch.zeros(n_features, dtype=torch.float64), found)
