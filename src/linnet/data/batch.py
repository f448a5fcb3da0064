"""Minibatches, and the true parameters of synthetic data."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """A minibatch of examples.

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
        """Multiply numbers per example `[K, B]` by the example weights."""
        return values if self.weight is None else values * self.weight


class TrueParameters(NamedTuple):
    """True parameters of synthetic data: weight `[C, D]`, bias `[C]`, float64, for features before preparation."""

    weight: Tensor
    bias: Tensor
