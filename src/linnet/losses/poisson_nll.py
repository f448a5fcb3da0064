"""Negative log-likelihood of counts."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from linnet.losses.loss import Link, Loss


@dataclass(frozen=True)
class PoissonNLL(Loss):
    """exp(p) − y p per output, in nats: −log Poisson(y; rate exp(p)) without the term log y!.

    The prediction is the logarithm of the rate, so every real number is a valid one. The term left out does not
    depend on p: it moves neither gradient nor minimum, and without it the value can be negative. Targets are
    counts, or other numbers of at least 0; below 0 the loss has no minimum. The derivative is exp(p) − y.

    Source: Nelder and Wedderburn, "Generalized Linear Models", JRSS A 135 (1972).
    """

    task: ClassVar[str] = "regression"
    link: ClassVar[Link] = "exp"
    lowest_target: ClassVar[float] = 0.0
    shift_invariant: ClassVar[bool] = False

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return (prediction.exp() - target * prediction).sum(-1)

    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.check(prediction, target)
        return prediction.exp() - target

    def mean(self, prediction: Tensor) -> Tensor:
        """Return the rate exp(p), `[K, B, C]`."""
        return prediction.exp()
