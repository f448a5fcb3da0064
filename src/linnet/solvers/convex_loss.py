"""A convex loss with its conjugate, its dual domain and its curvature.

Everything is laid out `[C, B]`, outputs by examples: reductions over few outputs then run along many neighbouring
examples. z are predictions, θ their dual variables, of which the derivative of the loss is one choice.

An example of weight w has the loss wℓ, hence the derivative wℓ', the second derivative wℓ'' and the conjugate
wℓ*(θ/w), with w times the domain of ℓ* for its own. All of these contain the weight; `per_weight` takes it out again.
"""

import copy
from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from linnet.losses import Loss

Self = TypeVar("Self", bound="ConvexLoss")


class ConvexLoss(ABC):
    """A loss ℓ(z, y), convex in z, with its conjugate and second derivative for duality and Newton's method.

    The conjugate is ℓ*(θ) = sup_z θ·z − ℓ(z), so that ℓ(z) + ℓ*(θ) − θ·z ≥ 0 (Fenchel–Young), with equality for
    θ = ℓ'(z). Every ℓ* here is finite at 0, so that shrinking a dual point keeps it in the domain.

    Args:
        loss: in the library's own form, whose value and derivative are used.
        smoothness: the largest second derivative there is of an example of weight 1, or None.
    """

    separable: ClassVar[bool] = True
    """Whether the loss is a sum over outputs: solved apart, and with a diagonal second derivative."""

    weight: Tensor | None = None
    """Weights of the examples, `[B]`, all above 0; None for ones."""

    def __init__(self, loss: Loss, smoothness: float | None) -> None:
        self.loss, self.smoothness = loss, smoothness

    def weighted(self: Self, weight: Tensor | None) -> Self:
        """Return the loss for examples of weights `[B]`, all above 0; None for ones."""
        other = copy.copy(self)
        other.weight = weight
        return other

    def of(self: Self, rows: slice | Tensor) -> Self:
        """Return the loss of some of the examples."""
        return self if self.weight is None else self.weighted(self.weight[rows])

    def per_weight(self, part: Tensor, power: float = 1.0) -> Tensor:
        """Divide numbers per example `[…, B]` by their weights to a power."""
        return part if self.weight is None else part / self.weight.to(part.dtype) ** power

    def times_weight(self, part: Tensor, power: float = 1.0) -> Tensor:
        """Multiply numbers per example `[…, B]` by their weights to a power."""
        return part if self.weight is None else part * self.weight.to(part.dtype) ** power

    def value_and_theta(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Compute wℓ `[B]` and θ = wℓ'(z) `[C, B]`, of z `[C, B]` and targets as the loss takes them."""
        value, theta = self.loss.value_and_gradient(z.T.unsqueeze(0), y)
        return self.times_weight(value[0]), self.times_weight(theta[0].T)

    def conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        """Compute wℓ*(θ/w), `[B]`, of θ in the domain."""
        return self.times_weight(self._conjugate(self.per_weight(theta), y))

    def centre(self, theta: Tensor, y: Tensor) -> Tensor:
        """Return a point of the domain near θ `[C, N]` whose sum over all examples is zero for each output.

        An unpenalised bias requires this of a dual point.
        """
        return self.times_weight(self._centre(self.per_weight(theta), y))

    def curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        """Compute the input of `product` and `row` for the second derivative at z: `[C, B]`.

        Args:
            majorise: in [0, 1], how much of a quadratic upper bound's curvature stands in where the loss has none.
        """
        return self.times_weight(self._curvature(z, y, majorise))

    @abstractmethod
    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        """`conjugate` of examples of weight 1."""

    @abstractmethod
    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        """Return a point near θ `[C, N]`, in the domain of examples of weight 1, whose weighted mean is zero."""

    @abstractmethod
    def _curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        """`curvature` of examples of weight 1."""

    def mean(self, part: Tensor) -> Tensor:
        """Weighted mean over the examples, `[…, 1]`, of `[…, N]`."""
        if self.weight is None:
            return part.mean(-1, keepdim=True)
        return (part * self.weight).sum(-1, keepdim=True) / self.weight.sum()

    def product(self, curvature: Tensor, u: Tensor) -> Tensor:
        """ℓ''(z) u, `[C, B]`."""
        return curvature * u

    def row(self, curvature: Tensor, output: int, columns: slice) -> Tensor:
        """∂²ℓ / ∂z_output ∂z_c for c in `columns`, `[columns, B]`; the output is the first of them."""
        second = torch.zeros_like(curvature[columns])
        second[0] = curvature[output]
        return second

    def trace(self, curvature: Tensor) -> Tensor:
        """Trace of ℓ''(z) of each example, `[B]`."""
        return curvature.sum(0)

    def mean_hessian(self, curvature: Tensor) -> Tensor:
        """Mean of ℓ''(z) over the examples, `[C, C]`."""
        return torch.diag(curvature.mean(1))
