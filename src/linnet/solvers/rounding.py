"""Bounds of rounding errors in a computed objective, so that certificates hold for the exact one.

Errors follow the standard model, |fl(a ∘ b) − a ∘ b| ≤ u |a ∘ b|, with sums of n numbers bounded by γ_n ≈ n u times the
sum of their sizes (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3). exp and log are taken to
be right to 4 units in the last place: torch's vectorised ones promise 1.
"""

import math

import torch
from torch import Tensor

from linnet.solvers.convex_loss import ConvexLoss
from linnet.solvers.convex_losses import Poisson, Quadratic, Robust, Softmax
from linnet.solvers.extended_precision import Sliced
from linnet.solvers.problem import Problem

UNIT_ROUNDOFF = 2.0**-53
FUNCTION = 8 * UNIT_ROUNDOFF
"""Relative error of exp and log."""
EXTENDED = 4_000_000
"""Numbers up to which predictions are computed in extended precision."""


def predictions(problem: Problem, weight: Tensor, bias: Tensor, enough: float = 0.0) -> tuple[Tensor, Tensor]:
    """Predict z `[C, N]`, with bounds of the errors `[C, N]`, for weight `[C, D]` and bias `[C]`, float64.

    Args:
        enough: a bound that need not be undercut by errors; where all are below it, no extended precision is used.
    """
    small = problem.x.numel() * len(weight) <= EXTENDED
    if not small or enough > 0:
        z = problem.predict(weight, bias)
        error = 2 * (problem.longest_row + 3) * UNIT_ROUNDOFF * problem.predict_sizes(weight, bias)
        if not small or float(error.max()) <= enough:
            return z, error
    design = problem.design().numpy()
    right = (torch.cat([weight, bias[:, None]], 1) if problem.bias else weight).numpy()
    product = Sliced(design).times(right.T.copy())
    z = torch.from_numpy(product.high.T.copy())
    size = torch.from_numpy(abs(right)) @ torch.from_numpy(abs(design).max(0))
    terms = (design.shape[1] + 2) * Sliced.relative_error(design.shape) * size
    return z, UNIT_ROUNDOFF * z.abs() + terms[:, None]


def mean_loss(convex_loss: ConvexLoss, z: Tensor, error: Tensor, y: Tensor) -> tuple[float, float]:
    """Compute the mean loss at predictions `[C, N]` known to `error`, and a bound of its own error."""
    values, _ = convex_loss.value_and_theta(z, y)
    doubt = convex_loss.times_weight(_loss_error(convex_loss, z, error, y)) + 2 * UNIT_ROUNDOFF * values.abs()
    return mean(values), mean(doubt) + 2 * UNIT_ROUNDOFF * mean(values.abs())


def mean(values: Tensor) -> float:
    """Compute the mean of `[N]`, rounded once or twice."""
    return math.fsum(values.tolist()) / len(values)


def _loss_error(convex_loss: ConvexLoss, z: Tensor, error: Tensor, y: Tensor) -> Tensor:
    """Bound the error of the loss of each example of weight 1, `[N]`."""
    if isinstance(convex_loss, Softmax):
        # The loss moves by at most the change of the label's logit plus the largest of the others. Of log Σ exp, each
        # step adds a few roundoffs of 1, of the result, or of the differences of logits.
        counted = z if convex_loss.allowed is None else z.where(convex_loss.allowed, z.gather(0, y[None]))
        spread = counted.amax(0) - counted.amin(0)
        spread = spread if convex_loss.label_smoothing else counted.amax(0) - counted.gather(0, y[None])[0]
        n_classes = len(z)
        return 2 * error.amax(0) + UNIT_ROUNDOFF * (n_classes + 32) * (1 + spread)
    if isinstance(convex_loss, Poisson):
        rate = z.exp()
        moved = rate * torch.expm1(error) * (1 + FUNCTION) + y.T * error
        return (moved + FUNCTION * rate + 4 * UNIT_ROUNDOFF * (y.T * z).abs()).sum(0)
    residual = (z - y.T).abs()
    if isinstance(convex_loss, Robust):
        return (convex_loss.slope * (error + 8 * UNIT_ROUNDOFF * residual)).sum(0)
    assert isinstance(convex_loss, Quadratic)
    size = convex_loss.scale * (residual * error + 0.5 * error.square() + 4 * UNIT_ROUNDOFF * residual.square())
    return size.sum(0) + 8 * UNIT_ROUNDOFF * abs(convex_loss.constant) * len(z)


def mean_conjugate(convex_loss: ConvexLoss, theta: Tensor, error: Tensor, y: Tensor) -> tuple[float, float]:
    """Compute the mean of ℓ*(θ) at dual variables `[C, N]`, in the domain up to `error`, and its error."""
    values = convex_loss.conjugate(theta, y)
    theta, error = (
        convex_loss.per_weight(theta),
        convex_loss.per_weight(error) + 2 * UNIT_ROUNDOFF * convex_loss.per_weight(theta.abs()),
    )
    doubt = convex_loss.times_weight(_conjugate_error(convex_loss, theta, error, y)) + 2 * UNIT_ROUNDOFF * values.abs()
    return mean(values), mean(doubt) + 2 * UNIT_ROUNDOFF * mean(values.abs())


def _conjugate_error(convex_loss: ConvexLoss, theta: Tensor, error: Tensor, y: Tensor) -> Tensor:
    if isinstance(convex_loss, Softmax | Poisson):
        part = y.T if isinstance(convex_loss, Poisson) else convex_loss.labels(y, len(theta), theta.dtype)
        rate = (theta + part).clamp(min=0)
        error = error + 4 * UNIT_ROUNDOFF * (theta.abs() + part).where(part != 0, 0)
        # x log x moves by at most e (1 + |log|) at the larger of x and e, and by less than e (1 + log(x + e)) above 1.
        largest = torch.maximum(rate, error).clamp(min=1e-300)
        steep = 2 + largest.log().abs() + torch.log1p(error)
        return (2 * error * steep + (FUNCTION + 4 * UNIT_ROUNDOFF) * (torch.xlogy(rate, rate).abs() + rate)).sum(0)
    if isinstance(convex_loss, Robust):
        bend, constant = convex_loss.width / convex_loss.slope, 0.0
    else:
        assert isinstance(convex_loss, Quadratic)
        bend, constant = 1 / convex_loss.scale, abs(convex_loss.constant)
    slope = bend * (theta.abs() + error) + y.T.abs()
    return (slope * (error + 8 * UNIT_ROUNDOFF * theta.abs())).sum(0) + 8 * UNIT_ROUNDOFF * constant * len(theta)


def steepness(convex_loss: ConvexLoss, theta: Tensor, y: Tensor, moved: float) -> float:
    """Bound the change of Σ ℓ*, divided by `moved`, if entries of θ `[C, N]` move by `moved` in total."""
    theta = convex_loss.per_weight(theta)
    if isinstance(convex_loss, Softmax):
        return 4 * (len(theta) + abs(math.log(max(moved, 1e-300))))
    if isinstance(convex_loss, Poisson):  # all rates by the same factor
        rate = convex_loss.times_weight((theta + y.T).clamp(min=0))
        logarithm = convex_loss.per_weight(rate).clamp(min=1e-300).log().abs()
        return 4 + 2 * float((rate * logarithm).sum() / rate.sum().clamp(min=1e-300))
    bend = (
        convex_loss.width / convex_loss.slope
        if isinstance(convex_loss, Robust)
        else 1 / (convex_loss.smoothness or 1.0)
    )
    return 2 * (bend * (float(theta.abs().max()) + moved) + float(y.abs().max()))
