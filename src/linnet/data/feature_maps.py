"""The features of models that are trained on resamples, as affine maps of the columns that they share."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class FeatureMaps:
    """Feature j of model k: z_kj = ratio_kj (x_j + Σ_l factor_kl x_target(l) − centre_kj), the sum over source(l) = j.

    So each resample has its own mean and deviation of the features, its own imputed means, and levels that it
    has not seen, while all of them share one copy of the columns x. What a model learns are weights of
    its own z; a prediction takes weights of x, and gradients come back by the chain rule.

    ratio: shared deviation over own one, `[K, 1, D]`; 0 for a feature that the resample does not have.
    centre: own mean in shared units, `[K, D, 1]`; 0 for models without a bias.
    offset: own mean of the targets over the shared one's, `[K, C]`; None: targets are not centred.
    target, source: int64 `[L]`, disjoint; factor: `[K, 1, L]`.
    """

    ratio: Tensor
    centre: Tensor
    offset: Tensor | None
    target: Tensor
    source: Tensor
    factor: Tensor

    def shared(self, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return weight `[K, C, D]` and bias `[K, C]` of the shared columns, for those of own features."""
        own = weight * self.ratio
        if bias is not None:
            bias = bias - torch.bmm(own, self.centre).squeeze(2)
            bias = bias if self.offset is None else bias + self.offset
        if len(self.target):
            own = own.index_add(2, self.target, own.index_select(2, self.source) * self.factor)
        return own, bias

    def backpropagate_(self, grads: Sequence[Tensor]) -> None:
        """Make gradients by the own parameters of those by the shared ones, `[weight [K, C, D], bias [K, C]]`."""
        weight = grads[0]
        if len(self.target):
            weight.index_add_(2, self.source, weight.index_select(2, self.target) * self.factor)
        if len(grads) > 1:
            weight.baddbmm_(grads[1].unsqueeze(2), self.centre.transpose(1, 2), alpha=-1)
        weight.mul_(self.ratio)

    def features_of(self, k: int, x: Tensor) -> Tensor:
        """Return the features `[N, D]` of model k, for shared columns x `[N, D]`."""
        own = x
        if len(self.target):
            own = x.index_add(1, self.source, x.index_select(1, self.target) * self.factor[k])
        return (own - self.centre[k, :, 0]) * self.ratio[k]

    def repeated(self, n: int) -> "FeatureMaps":
        """Return the maps of n times as many models, all of these n times over."""
        offset = None if self.offset is None else self.offset.repeat(n, 1)
        ratio, centre, factor = (part.repeat(n, 1, 1) for part in (self.ratio, self.centre, self.factor))
        return FeatureMaps(ratio, centre, offset, self.target, self.source, factor)

    def to(self, like: Tensor) -> "FeatureMaps":
        """Return the maps on the device of a tensor, their numbers in its dtype."""
        return FeatureMaps(
            self.ratio.to(like), self.centre.to(like), None if self.offset is None else self.offset.to(like),
            self.target.to(like.device), self.source.to(like.device), self.factor.to(like),
        )  # fmt: skip
