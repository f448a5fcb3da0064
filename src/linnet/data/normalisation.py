"""Normalise features as they are read, a batch at a time."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

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
