"""Each resample's own standardisation of features, as the solvers take it."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class OwnStandardisation:
    """z = ratio (x − centre) for each resample."""

    ratio: Tensor
    centre: Tensor
    offset: Tensor | None = None
    target: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))

    @classmethod
    def of(cls, x: Tensor, counts: Tensor) -> "OwnStandardisation":
        """Standardise x `[N, D]` by means and deviations under the counts `[F, N]` of resamples."""
        share = counts.double() / counts.sum(1, keepdim=True)
        mean = share @ x
        variance = torch.stack([each @ (x - centre).square() for each, centre in zip(share, mean, strict=True)])
        ratio = torch.where(variance > 0, variance.sqrt().reciprocal(), 0.0)
        return cls(ratio[:, None], mean[:, :, None])

    def features_of(self, k: int, x: Tensor) -> Tensor:
        return (x - self.centre[k, :, 0]) * self.ratio[k]

    def shared(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Parameters `[F, C, D]` and `[F, C]` for x, of those for own features."""
        moved = weight * self.ratio
        return moved, bias - (moved @ self.centre)[..., 0]


@dataclass(frozen=True)
class Counted:
    """Resamples: counts `[F, N]`, or partitions `[R, N]` of as many folds each."""

    train: Tensor
    fold: Tensor | None = None

    @classmethod
    def of_folds(cls, *folds: Tensor) -> "Counted":
        n_folds = int(folds[0].max()) + 1
        train = torch.cat([(fold[None] != torch.arange(n_folds)[:, None]).to(torch.uint8) for fold in folds])
        return cls(train, torch.stack(folds).int())

    def __len__(self) -> int:
        return len(self.train)
