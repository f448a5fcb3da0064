"""Standardisation of features: location and scale of each, computed in float64, applied at once or as they are read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from linnet.data.batch import Batch, TrueParameters

SAFE_NORM = 1e-30, 1e30
"""Within, the norm of a row and its inverse are ordinary numbers in float32 too."""


@dataclass(frozen=True)
class Normalisation:
    """x ↦ (x / ‖x‖ − mean) / deviation, or a part of that.

    rows: whether every row is divided by its Euclidean norm; rows of zeros stay what they are.
    mean, deviation: float64 `[D]`, as in `Standardizer`; None: features are not standardised.
    """

    rows: bool = False
    mean: Tensor | None = None
    deviation: Tensor | None = None

    @property
    def is_identity(self) -> bool:
        return not self.rows and self.mean is None

    def apply_(self, x: Tensor) -> Tensor:
        """Normalise x `[n, D]` in place."""
        if self.rows:
            normalise_rows_(x)
        if self.mean is None or self.deviation is None:
            return x
        if x.dtype == torch.float32 and self._in_float32 is not None:
            high, shift, inverse = self._in_float32
            return torch.addcmul(shift, x.sub_(high), inverse, out=x)
        if x.dtype == torch.float64:
            return x.sub_(self.mean).div_(self.deviation)
        return x.copy_((x.double() - self.mean) / self.deviation)

    @cached_property
    def _in_float32(self) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return (m, (m − mean) / deviation, 1 / deviation) with m the mean in float32, each `[D]` float32.

        (x − m) / deviation + (m − mean) / deviation is as exact as float64 would be, since x − m is rounded by a share
        of itself only. None where an inverse is no float32.
        """
        assert self.mean is not None and self.deviation is not None
        high = self.mean.float()
        inverse = (1 / self.deviation).float()
        if not bool((inverse.isfinite() & ((inverse != 0) | self.deviation.isinf())).all()):
            return None
        return high, ((high.double() - self.mean) / self.deviation).float(), inverse

    def standardised(self, mean: Tensor, deviation: Tensor) -> "Normalisation":
        """Return a copy that also computes (x − mean) / deviation; both float64 `[D]`."""
        return replace(self, mean=mean, deviation=deviation)

    def to(self, device: torch.device) -> "Normalisation":
        """Return a copy for features on `device`, so that no batch waits for a transfer."""
        if self.mean is None or self.deviation is None:
            return self
        return self.standardised(self.mean.to(device), self.deviation.to(device))


def normalise_rows_(x: Tensor) -> Tensor:
    """Divide each row of x `[n, D]` by its Euclidean norm, in place; rows of zeros stay zeros."""
    norm = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float64)
    least, most = SAFE_NORM
    extreme = ((norm < least) | (norm > most))[:, 0]
    if bool(extreme.any()):  # rows of zeros, or whose norm would overflow
        rows = x[extreme].double()
        largest = rows.abs().amax(1, keepdim=True)
        rows /= largest.masked_fill(largest == 0, 1.0)
        size = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        x[extreme] = (rows / size.masked_fill(size == 0, 1.0)).to(x.dtype)
        norm[extreme] = 1.0
    return x.div_(norm.to(x.dtype))


CONSTANT_ULPS = 4
"""A column whose range is at most so many units in the last place of its largest magnitude is constant."""


def is_constant(low: float, high: float) -> bool:
    """Return whether the range from low to high is that of rounding."""
    return high - low <= CONSTANT_ULPS * float(np.spacing(max(abs(low), abs(high))))


SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-280, 1e280
"""Beyond, squares underflow or overflow, and the statistics are taken of values over the column's magnitude."""


class Standardizer:
    """Standardisation x ↦ (x − mean) / deviation, feature by feature.

    Args:
        mean: `[D]`, float64; zeros where features are scaled only.
        deviation: `[D]`, float64, above 0. 1 for a constant feature, whose mean is its value. Infinite for a feature
            that varies by rounding only, which thereby becomes 0 everywhere.
    """

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        self.mean, self.deviation = mean, deviation

    @classmethod
    def of(cls, batches: Callable[[], Iterable[Batch]], *, centre: bool = True) -> "Standardizer":
        """Find the scaling that gives features the weighted mean 0 and the weighted variance 1.

        A weight of 2 counts as two rows, and a weight of 0 as none. The deviation is the square root of the mean of
        (x − mean)², without Bessel's correction.

        Args:
            batches: called once or twice, yields the training examples; `Batch.scale` is taken into account.
            centre: False for a model without a bias, which a shift of the features would change: the mean is 0, and
                the deviation the root mean square.

        Source: Chan, Golub and LeVeque, Updating formulae for computing sample variances, 1979.
        """
        moments = _Moments.of(batches())
        magnitude = torch.maximum(moments.low.abs(), moments.high.abs())
        extreme = (magnitude > 0) & ~((moments.variance > SMALLEST_VARIANCE) & (moments.variance < LARGEST_VARIANCE))
        extreme &= ~moments.is_constant
        if bool(extreme.any()):
            unit = torch.where(extreme, magnitude, 1.0)
            scaled = _Moments.of(Batch(b.x.double() / unit, b.y, b.scale, b.weight) for b in batches())
            mean, deviation = scaled.mean * unit, scaled.variance.sqrt() * unit
            square = (scaled.variance + scaled.mean.square()).sqrt() * unit
        else:
            mean, deviation = moments.mean, moments.variance.sqrt()
            square = (moments.variance + mean.square()).sqrt()
        if not centre:
            return cls(torch.zeros_like(mean), torch.where(square > 0, square, 1.0))
        constant = moments.low == moments.high
        deviation = torch.where(moments.is_constant, torch.inf, deviation)
        return cls(torch.where(constant, moments.low, mean), torch.where(constant, 1.0, deviation))

    @property
    def unit(self) -> str:
        """Describe the increase of a feature when its standardised value increases by 1."""
        return "per standard deviation" if bool(self.mean.any()) else "per root mean square"

    def apply(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Return (x − mean) / deviation `[N, D]`, computed in float64 and rounded to dtype last."""
        found = torch.empty(x.shape, dtype=dtype, device=x.device)
        mean, deviation = self.mean.to(x.device), self.deviation.to(x.device)
        rows = max(1, ROW_NUMBERS // max(1, x.shape[1]))
        for start in range(0, len(x), rows):
            found[start : start + rows] = (x[start : start + rows].double() - mean).div_(deviation)
        return found

    def undo(self, weight: Tensor, bias: Tensor) -> TrueParameters:
        """Convert weight `[C, D]` and bias `[C]` for standardised features to those for the features as read."""
        original = weight.double() / self.deviation
        return TrueParameters(original, bias.double() - original @ self.mean)

    def redo(self, weight: Tensor, bias: Tensor) -> TrueParameters:
        """Invert `undo`; features that vary by rounding only get weight 0."""
        return TrueParameters(self.per_deviation(weight.double()), bias.double() + weight.double() @ self.mean)

    def per_deviation(self, weight: Tensor) -> Tensor:
        """Convert coefficients `[…, D]` for features as read to effects per standard deviation of each feature."""
        return torch.where(self.deviation.isinf(), 0.0, weight * self.deviation)


ROW_NUMBERS = 2**20
"""Numbers that are converted to float64 at a time: 8 MiB."""


class _Moments:
    """Weighted mean, variance and range of each column, updated batch by batch.

    Sums are of differences to the first row, so that an offset of a column costs no digits.
    """

    def __init__(self) -> None:
        self.total = 0.0
        self.first = self.shift = self.squares = torch.zeros((), dtype=torch.float64)
        self.low = self.high = torch.zeros((), dtype=torch.float64)

    @classmethod
    def of(cls, batches: Iterable[Batch]) -> "_Moments":
        found = cls()
        for batch in batches:
            x, weight = batch.x, batch.weight
            if weight is not None:
                counted = weight > 0
                x, weight = x[counted], weight[counted].double()
            if len(x):
                found._add(x, weight, batch.scale)
        return found

    @property
    def mean(self) -> Tensor:
        return self.first + self.shift

    @property
    def variance(self) -> Tensor:
        return self.squares / self.total

    @property
    def is_constant(self) -> Tensor:
        """Return which columns vary by rounding only, see `CONSTANT_ULPS`."""
        magnitude = torch.maximum(self.low.abs(), self.high.abs())
        ulp = torch.nextafter(magnitude, torch.full_like(magnitude, torch.inf)) - magnitude
        return (self.high - self.low) <= CONSTANT_ULPS * ulp

    def _add(self, x: Tensor, weight: Tensor | None, scale: float) -> None:
        low, high = x.amin(0).double() * scale, x.amax(0).double() * scale  # `aminmax` takes ten times as long
        values = x.double() * scale if scale != 1.0 else x.double()
        if self.total == 0:
            self.first = values[0].clone()
        values = values - self.first
        if weight is None:
            more = float(len(x))
            shift = values.mean(dim=0)
            within = values.sub_(shift).square_().sum(dim=0)
        else:
            more = float(weight.sum())
            shift = (weight / more) @ values
            within = weight @ values.sub_(shift).square_()
        if self.total == 0:
            self.total, self.shift, self.squares, self.low, self.high = more, shift, within, low, high
            return
        step, total = shift - self.shift, self.total + more
        self.squares = self.squares + within + step.square() * (self.total * more / total)
        self.shift = self.shift + step * (more / total)
        self.low, self.high, self.total = torch.minimum(self.low, low), torch.maximum(self.high, high), total
