"""Minibatches, and the true parameters of synthetic data."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """A minibatch of examples.

    x: `[B, D]`; the features are `scale * x`.
    y: targets, as in `Examples`.
    scale: goes into the matrix products, which multiply by a number anyway; multiplying x by it would be one more
        pass over the largest thing in a training step.
    weight: of each example `[B]`, as in `Examples`; or of each example for each of K models `[K, B]`, with a mean of 1
        over the batch for each model, or 0 for one that has none of its examples.
    idle: the models that have none of its examples, and take no step, bool `[K]`; None: there are none.
    """

    x: Tensor
    y: Tensor
    scale: float = 1.0
    weight: Tensor | None = None
    idle: Tensor | None = None

    def weighed(self, values: Tensor) -> Tensor:
        """Multiply numbers per example `[K, B]` by the example weights."""
        return values if self.weight is None else values * self.weight

    def counted(self, prediction: Tensor) -> Tensor:
        """Set predictions `[K, B, C]` to 0, in place, where the model does not count the example; return them.

        Its loss may be infinite there, and 0 times that is not a number.
        """
        if self.weight is None or self.weight.dim() == 1:
            return prediction
        prediction.transpose(1, 2).masked_fill_((self.weight == 0).unsqueeze(1), 0.0)
        return prediction


class TrueParameters(NamedTuple):
    """True parameters of synthetic data: weight `[C, D]`, bias `[C]`, float64, for features before preparation."""

    weight: Tensor
    bias: Tensor
