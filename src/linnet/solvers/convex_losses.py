"""Conjugate, dual domain and curvature of each of linnet's losses, see `linnet.solvers.convex_loss`."""

import copy
import math

import torch
from torch import Tensor

from linnet.losses import (
    AbsoluteError,
    CrossEntropy,
    CrossEntropyNaive,
    GaussianNLL,
    Huber,
    Loss,
    PoissonNLL,
    SquaredError,
)
from linnet.solvers.convex_loss import ConvexLoss


class Quadratic(ConvexLoss):
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


class Robust(ConvexLoss):
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


class Poisson(ConvexLoss):
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


class Softmax(ConvexLoss):
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
        """Return the loss where only the `allowed` logits `[C, B]` count, for labels that are not smoothed."""
        other = copy.copy(self)
        other.allowed = allowed
        return other

    def of(self, rows: slice | Tensor) -> "Softmax":
        part = super().of(rows)
        return part if self.allowed is None else part.among(self.allowed[:, rows])

    def value_and_theta(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        z = self._counted(z)
        if self.label_smoothing:
            return super().value_and_theta(z, y)
        value = -z.log_softmax(0).gather(0, y[None])[0]
        return self.times_weight(value), self._of_sum_zero(self.times_weight(z.softmax(0)), y)

    def _of_sum_zero(self, theta: Tensor, y: Tensor) -> Tensor:
        """Change θ = p − q, or p, `[C, B]` in place, so that the label's is p − 1 as the sum of the others.

        Near p = 1 the difference would lose digits, and the gradient with them.
        """
        if self.label_smoothing != 0:
            return theta
        label = y[None]
        return theta.scatter_(0, label, 0.0).scatter_(0, label, -theta.sum(0, keepdim=True))

    def _counted(self, z: Tensor) -> Tensor:
        return z if self.allowed is None else z.masked_fill(~self.allowed, -torch.inf)

    def labels(self, y: Tensor, n_classes: int, dtype: torch.dtype) -> Tensor:
        """Return label distributions q, `[C, B]`."""
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
        if (excess > 0).any():
            ratio = (wanted / excess)[excess > 0].min()  # (1 − t)/t
            share = 1 / (1 + ratio)
            r = (wanted - ratio * excess).clamp(min=0)
            p = (1 - share) * p + (share * r)[:, None]
        return self._of_sum_zero(p - q, y)

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

    def trace(self, curvature: Tensor) -> Tensor:
        total = curvature.sum(0)
        return (total - curvature.square().sum(0) / total.clamp(min=torch.finfo(total.dtype).tiny)).clamp(min=0)

    def mean_hessian(self, curvature: Tensor) -> Tensor:
        return torch.diag(curvature.mean(1)) - curvature @ self._probability(curvature).T / curvature.shape[1]

    def _probability(self, curvature: Tensor) -> Tensor:
        if self.weight is None:
            return curvature
        return curvature / curvature.sum(0).clamp(min=torch.finfo(curvature.dtype).tiny)


def convex_loss_of(loss: Loss) -> ConvexLoss:
    """Return the convex loss with its conjugate; torch twins and the naive cross-entropy map to the original.

    Raises:
        ValueError: the loss is none of linnet's.
    """
    match loss:
        case SquaredError():
            return Quadratic(SquaredError())
        case GaussianNLL(sigma=sigma):
            constant = 0.5 * math.log(2 * math.pi) + math.log(sigma)
            return Quadratic(GaussianNLL(sigma), scale=1 / sigma**2, constant=constant)
        case Huber(delta=delta):
            return Robust(Huber(delta), slope=delta, width=delta)
        case AbsoluteError():
            return Robust(AbsoluteError(), slope=1.0, width=0.0)
        case PoissonNLL():
            return Poisson(PoissonNLL())
        case CrossEntropy(label_smoothing=smoothing) | CrossEntropyNaive(label_smoothing=smoothing):
            return Softmax(CrossEntropy(smoothing), smoothing)
    raise ValueError(f"there is no exact solver for {type(loss).__name__}")


def is_known(loss: Loss) -> bool:
    """Return whether the conjugate of a loss is known."""
    try:
        convex_loss_of(loss)
    except ValueError:
        return False
    return True
