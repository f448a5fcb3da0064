"""Prepare rows for least squares: float64, checked, in blocks that fit the cache."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from linnet.solvers.extended_precision import Array, powers_of_two
from linnet.solvers.least_squares.numerical_rank import EPS
from linnet.solvers.least_squares.qr_solve import Coordinates
from linnet.solvers.least_squares.refinement import Block

Rows: TypeAlias = NDArray[np.generic] | Tensor

BLOCK_ENTRIES = 2**20
"""Entries of a block: 8 MB of float64."""


class Summary:
    """Number, weighted mean and range of the rows seen so far."""

    def __init__(self, n_coefficients: int, n_outputs: int) -> None:
        self.n_rows, self.total_weight = 0, 0.0
        self._low, self._high = np.full(n_coefficients, np.inf), np.full(n_coefficients, -np.inf)
        self._sum, self._target_sum = np.zeros(n_coefficients), np.zeros(n_outputs)

    def add(self, block: Block) -> None:
        design, target, weight = block
        self.n_rows += len(design)
        self.total_weight += len(design) if weight is None else float(weight.sum())
        self._low = np.minimum(self._low, design.min(axis=0, initial=np.inf))
        self._high = np.maximum(self._high, design.max(axis=0, initial=-np.inf))
        ones = np.ones(len(design)) if weight is None else weight
        self._sum += ones @ design
        self._target_sum += ones @ target

    def coordinates(self, *, bias: bool) -> Coordinates:
        """Choose the origin at the means, if there is a bias, and units in which no column exceeds 1. Needs a row."""
        size = np.maximum(np.abs(self._low), np.abs(self._high))
        constant = self._high - self._low <= 4 * EPS * size  # but for rounding; shifted to zero, not to noise
        shift, target_shift = np.zeros_like(self._sum), np.zeros_like(self._target_sum)
        if bias:
            shift[1:] = np.where(constant, self._low, self._sum / self.total_weight)[1:]
            target_shift = self._target_sum / self.total_weight
        ends = np.stack([self._low, self._high])
        scale = 1 / powers_of_two(np.where(constant, ends, ends - shift))
        scale[: int(bias)] = 1
        return Coordinates(bias, shift, scale, target_shift)


def blocks_of(x: Rows, y: Rows, sample_weight: Rows | None, *, bias: bool) -> Iterator[Block]:
    """Yield the rows of `x [N, D]`, `y [N, C]` and `sample_weight [N]` in blocks, checked by `block_of`."""
    size = max(256, BLOCK_ENTRIES // (x.shape[1] + y.shape[1] + 1))
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        yield block_of(x[rows], y[rows], None if sample_weight is None else sample_weight[rows], bias=bias)


def block_of(x: Rows, y: Rows, sample_weight: Rows | None, *, bias: bool) -> Block:
    """Convert rows to float64, with a leading column of ones for a bias; rows of weight zero are left out.

    Raises:
        ValueError: a number is NaN or infinite, or a weight negative.
    """
    features, target = as_float64("x", x), as_float64("y", y)
    weight = None if sample_weight is None else as_float64("sample_weight", sample_weight)
    if weight is not None:
        if (weight < 0).any():
            raise ValueError(f"sample_weight holds {weight.min():g}: weights must be in [0, inf)")
        if not weight.all():
            features, target, weight = features[weight > 0], target[weight > 0], weight[weight > 0]
    return Block(np.insert(features, 0, 1, axis=1) if bias else features, target, weight)


def moved_rows(block: Block, at: Coordinates) -> Array:
    """Return weighted rows [design, target] in the coordinates of the triangle."""
    rows = np.hstack([(block.design - at.shift) * at.scale, block.target - at.target_shift])
    if block.weight is not None:
        rows *= np.sqrt(block.weight)[:, None]
    return rows


def as_float64(name: str, value: Rows) -> Array:
    """Convert a tensor or array to float64.

    Raises:
        ValueError: it is not real numbers, or one is NaN or infinite.
    """
    array = value.detach().cpu().double().numpy() if isinstance(value, Tensor) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {array.dtype}: real numbers are wanted")
    numbers = array.astype(np.float64, copy=False)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds {(~np.isfinite(numbers)).sum()} NaN or infinite numbers: all must be finite")
    return numbers


def check_shapes(x: Rows, y: Rows, sample_weight: Rows | None) -> None:
    """Check the shapes x `[N, D]`, y `[N, C]` with C at least 1, and sample_weight `[N]`.

    Raises:
        ValueError: a shape does not fit.
    """
    if x.ndim != 2:
        raise ValueError(f"x is {_shape(x)}: expected [N, D]")
    if y.ndim != 2 or len(y) != len(x) or y.shape[1] == 0:
        raise ValueError(f"y is {_shape(y)}: expected [{len(x)}] or [{len(x)}, C], C at least 1, for x {_shape(x)}")
    if sample_weight is not None and tuple(sample_weight.shape) != (len(x),):
        raise ValueError(f"sample_weight is {_shape(sample_weight)}: expected [{len(x)}], one weight per row of x")


def as_columns(y: Rows) -> Rows:
    """Convert `y [N]` to one column `[N, 1]`; return anything else unchanged."""
    return y[:, None] if y.ndim == 1 else y


def _shape(value: Rows) -> list[int]:
    return list(value.shape)
