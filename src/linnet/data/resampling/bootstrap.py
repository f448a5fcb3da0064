"""The bootstrap: samples of N examples drawn with replacement, judged by the examples that were not drawn."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from linnet.config.option_types import Count
from linnet.data.resampling.resamples import Samples, refuse_too_large
from linnet.data.resampling.resampling import Labels, Resampling, refuse_fewer
from linnet.system.errors import InputError
from linnet.system.seeds import generator


@dataclass(frozen=True)
class Bootstrap(Resampling):
    """Bootstrap samples: N of the N examples with replacement; those not drawn are held out ("out of bag").

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993.

    Args:
        n_resamples: number of samples F.
        stratified: draw as many examples of each class as it has members, for targets that are classes.

    Raises:
        ValueError: an option is out of range.
    """

    is_bootstrap: ClassVar[bool] = True

    n_resamples: Count = 200
    stratified: bool = False

    def resamples(self, labels: Labels, seed: int) -> Samples:
        n = labels.n_examples
        refuse_fewer(n, 2, "resampling=bootstrap")
        refuse_too_large(self.n_resamples, n)
        strata = torch.zeros(n, dtype=torch.int64)
        if self.stratified:
            if labels.classes is None:
                raise InputError("resampling.stratified=true: the targets are numbers, it is for classes: leave it out")
            strata = labels.classes
        members = [torch.nonzero(strata == stratum)[:, 0] for stratum in strata.unique()]
        counts = torch.stack([_drawn(members, n, seed, index) for index in range(self.n_resamples)])
        if int(counts.max()) > torch.iinfo(torch.uint8).max:
            raise InputError("resampling=bootstrap: an example was drawn more than 255 times: use another seed")
        complete = torch.nonzero((counts > 0).all(dim=1))
        if len(complete):
            raise InputError(
                f"resampling=bootstrap: sample {int(complete[0])} holds all {n} training examples, so that none is out "
                f"of bag: use more examples, or resampling=leave_one_out"
            )
        return Samples(counts.to(torch.uint8), counts == 0)


def _drawn(members: list[Tensor], n: int, seed: int, index: int) -> Tensor:
    """Return how often each of n examples was drawn `[N]` int16, each stratum as often as it has members."""
    rng = generator(seed, "resampling", index)
    counts = torch.zeros(n, dtype=torch.int64)
    for rows in members:
        drawn = torch.randint(len(rows), (len(rows),), generator=rng)
        counts[rows] = drawn.bincount(minlength=len(rows))
    return counts.to(torch.int16)
