"""Minibatches, and the parameters that made-up data were made with."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Some examples as a linear map takes them.

    x: `[B, D]`; the features are `scale * x`.
    y: targets, as in `Examples`.
    scale: goes into the matrix products, which multiply by a number anyway; multiplying x by it would be one more
        pass over the largest thing in a training step.
    weight: of each example `[B]`, as in `Examples`.
    """

    x: Tensor
    y: Tensor
    scale: float = 1.0
    weight: Tensor | None = None

    def weighed(self, values: Tensor) -> Tensor:
        """Numbers of each example `[K, B]`, times its weight."""
        return values if self.weight is None else values * self.weight


class TrueParameters(NamedTuple):
    """The parameters that made synthetic data: weight `[C, D]`, bias `[C]`, float64, for features as made."""

    weight: Tensor
    bias: Tensor
