"""Convex analysis of a loss: its conjugate, its dual domain, its curvature.

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

Self = TypeVar("Self", bound="Family")


class Family(ABC):
    """A loss ℓ(z, y), convex in z, with what duality and Newton's method want to know of it.

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
        """The same loss of examples of weights `[B]`, all above 0; None for ones."""
        other = copy.copy(self)
        other.weight = weight
        return other

    def of(self: Self, rows: slice | Tensor) -> Self:
        """The family of some of the examples."""
        return self if self.weight is None else self.weighted(self.weight[rows])

    def per_weight(self, part: Tensor, power: float = 1.0) -> Tensor:
        """Divide what belongs to examples `[…, B]` by their weights to a power."""
        return part if self.weight is None else part / self.weight.to(part.dtype) ** power

    def times_weight(self, part: Tensor, power: float = 1.0) -> Tensor:
        """Multiply what belongs to examples `[…, B]` by their weights to a power."""
        return part if self.weight is None else part * self.weight.to(part.dtype) ** power

    def value_and_theta(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """wℓ `[B]` and θ = wℓ'(z) `[C, B]`, of z `[C, B]` and targets as the loss takes them."""
        value, theta = self.loss.value_and_gradient(z.T.unsqueeze(0), y)
        return self.times_weight(value[0]), self.times_weight(theta[0].T)

    def conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        """wℓ*(θ/w), `[B]`, of θ in the domain."""
        return self.times_weight(self._conjugate(self.per_weight(theta), y))

    def centre(self, theta: Tensor, y: Tensor) -> Tensor:
        """A point of the domain near θ `[C, N]` whose sum over all examples is zero for each output.

        That is what a bias without penalty demands of a dual point.
        """
        return self.times_weight(self._centre(self.per_weight(theta), y))

    def curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        """What `product` and `row` need of the second derivative at z: `[C, B]`.

        Args:
            majorise: in [0, 1], how much of a quadratic upper bound's curvature stands in where the loss has none.
        """
        return self.times_weight(self._curvature(z, y, majorise))

    @abstractmethod
    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        """`conjugate` of examples of weight 1."""

    @abstractmethod
    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        """A point near θ `[C, N]`, in the domain of examples of weight 1, whose weighted mean is zero."""

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

    def mean_hessian(self, curvature: Tensor) -> Tensor:
        """Mean of ℓ''(z) over the examples, `[C, C]`."""
        return torch.diag(curvature.mean(1))


class Quadratic(Family):
    """Scale/2 (z − y)² + constant: squared error, and Gaussian noise of known width."""

    def __init__(self, loss: Loss, scale: float = 1.0, constant: float = 0.0) -> None:
        super().__init__(loss, smoothness=scale)
        self.scale, self.constant = scale, constant

    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        return (theta * (theta / (2 * self.scale) + y.T) - self.constant).sum(0)

    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        return theta - self.mean(theta)

    def _curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        return torch.full_like(z, self.scale)


class Robust(Family):
    """Huber's loss, and absolute error as its limit: |θ| ≤ slope, ℓ*(θ) = θ²/(2 scale) + yθ.

    Args:
        slope: largest derivative, δ or 1.
        width: residual at which the parabola ends; 0 for absolute error.
    """

    def __init__(self, loss: Loss, slope: float, width: float) -> None:
        super().__init__(loss, smoothness=slope / width if width else None)
        self.slope, self.width = slope, width

    @property
    def limits(self) -> Tensor:
        """Largest |θ|, `[B]`; of no dimension where there are no weights."""
        return self.times_weight(torch.tensor(self.slope, dtype=torch.float64))

    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        return (theta * (theta * (self.width / (2 * self.slope)) + y.T)).sum(0)

    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        moved = theta - self.mean(theta)
        return moved * (self.slope / moved.abs().amax(1, keepdim=True).clamp(min=self.slope))

    def _curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        # slope/|r| is the curvature of the parabola that touches the loss at ±r and lies above it elsewhere.
        touching = self.slope / (z - y.T).abs().clamp(min=self.width or 1e-300)
        return torch.where((z - y.T).abs() <= self.width, touching, majorise * touching)


class Poisson(Family):
    """exp(z) − yz: with rate μ = θ + y ≥ 0, ℓ*(θ) = μ log μ − μ."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss, smoothness=None)

    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        rate = (theta + y.T).clamp(min=0)
        return (torch.xlogy(rate, rate) - rate).sum(0)

    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        rate = (theta + y.T).clamp(min=0)
        mean = self.mean(rate)
        return rate * (self.mean(y.T) / mean.clamp(min=torch.finfo(mean.dtype).tiny)) - y.T

    def _curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        return z.exp()


class Softmax(Family):
    """log Σ_c exp(z_c) − q·z with a label distribution q: with p = θ + q in the simplex, ℓ*(θ) = Σ p log p.

    Args:
        label_smoothing: ε in q = (1 − ε) onehot(y) + ε/C.
    """

    separable = False

    allowed: Tensor | None = None
    """Which logits count, `[C, B]`, the label's among them; None for all. Used where the others fell to −∞."""

    def __init__(self, loss: Loss, label_smoothing: float) -> None:
        super().__init__(loss, smoothness=0.5)  # largest eigenvalue of diag(p) − ppᵀ at most ½ (Böhning, 1992)
        self.label_smoothing = label_smoothing

    def among(self, allowed: Tensor | None) -> "Softmax":
        """The same loss where only the `allowed` logits `[C, B]` count, for labels that are not smoothed."""
        other = copy.copy(self)
        other.allowed = allowed
        return other

    def of(self, rows: slice | Tensor) -> "Softmax":
        part = super().of(rows)
        return part if self.allowed is None else part.among(self.allowed[:, rows])

    def value_and_theta(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        value, theta = super().value_and_theta(self._counted(z), y)
        if self.label_smoothing == 0:
            # p − 1 as the sum of the others: near p = 1 the difference would lose digits, and the gradient with them.
            label = y[None]
            theta.scatter_(0, label, 0.0).scatter_(0, label, -theta.sum(0, keepdim=True))
        return value, theta

    def _counted(self, z: Tensor) -> Tensor:
        return z if self.allowed is None else z.masked_fill(~self.allowed, -torch.inf)

    def labels(self, y: Tensor, n_classes: int, dtype: torch.dtype) -> Tensor:
        """Label distributions q, `[C, B]`."""
        q = torch.full((n_classes, len(y)), self.label_smoothing / n_classes, dtype=dtype)
        ones = torch.ones(1, len(y), dtype=dtype)
        return q.scatter_add_(0, y[None], (1 - self.label_smoothing) * ones)

    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        p = (theta + self.labels(y, len(theta), theta.dtype)).clamp(min=0)
        return torch.xlogy(p, p).sum(0)

    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        # Mixing p with one distribution r, the same for all examples, stays in the simplex. With excess g = mean(p − q)
        # the mean is right for r = mean q − g (1 − t)/t, and r ≥ 0 from a certain share t of r on.
        q = self.labels(y, len(theta), theta.dtype)
        p = (theta + q).clamp(min=0)
        p = p / p.sum(0)
        wanted = self.mean(q)[:, 0]
        excess = self.mean(p)[:, 0] - wanted
        if not (excess > 0).any():
            return p - q
        ratio = (wanted / excess)[excess > 0].min()  # (1 − t)/t
        share = 1 / (1 + ratio)
        r = (wanted - ratio * excess).clamp(min=0)
        return (1 - share) * p + (share * r)[:, None] - q

    def _curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        return torch.softmax(self._counted(z), 0)

    # The curvature is wp: its sum over the classes is the weight, and the second derivative w(diag(p) − ppᵀ).

    def product(self, curvature: Tensor, u: Tensor) -> Tensor:
        weighted = curvature * u
        return weighted - self._probability(curvature) * weighted.sum(0)

    def row(self, curvature: Tensor, output: int, columns: slice) -> Tensor:
        p = self._probability(curvature)
        second = -curvature[columns] * p[output]
        # p(1 − p) with 1 − p as the sum of the others: near p = 1 the difference would lose digits, and the matrix
        # its positive semidefiniteness.
        others = p[:output].sum(0) + p[output + 1 :].sum(0)
        second[0] = curvature[output] * others
        return second

    def mean_hessian(self, curvature: Tensor) -> Tensor:
        return torch.diag(curvature.mean(1)) - curvature @ self._probability(curvature).T / curvature.shape[1]

    def _probability(self, curvature: Tensor) -> Tensor:
        if self.weight is None:
            return curvature
        return curvature / curvature.sum(0).clamp(min=torch.finfo(curvature.dtype).tiny)
