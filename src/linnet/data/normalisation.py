"""What is done to features as they are read, a batch at a time."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Normalisation:
    """x ↦ (x / ‖x‖ − mean) / deviation, or a part of that.

    rows: whether every row is divided by its Euclidean norm; rows of zeros stay what they are.
    mean, deviation: float64 `[D]`; None: features are not standardised.
    """

    rows: bool = False
    mean: Tensor | None = None
    deviation: Tensor | None = None

    def apply_(self, x: Tensor) -> Tensor:
        """x `[n, D]` itself, changed in place."""
        if self.rows:
            norm = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float64)  # squares need its range
            x.div_(norm.masked_fill_(norm == 0, 1.0).to(x))
        if self.mean is not None and self.deviation is not None:
            x.sub_(self.mean.to(x)).div_(self.deviation.to(x))
        return x

    def standardised(self, mean: Tensor, deviation: Tensor) -> "Normalisation":
        """The same, and then (x − mean) / deviation; both float64 `[D]`."""
        return replace(self, mean=mean, deviation=deviation)

    def to(self, device: torch.device) -> "Normalisation":
        """The same for features that are there, so that no batch waits for a copy."""
        if self.mean is None or self.deviation is None:
            return self
        return self.standardised(self.mean.to(device), self.deviation.to(device))
