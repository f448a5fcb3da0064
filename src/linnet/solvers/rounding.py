"""Bounds of rounding errors in a computed objective, so that certificates hold for the exact one.

Errors follow the standard model, |fl(a ∘ b) − a ∘ b| ≤ u |a ∘ b|, with sums of n numbers bounded by γ_n ≈ n u times the
sum of their sizes (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3). exp and log are taken to
be right to 4 units in the last place: torch's vectorised ones promise 1.
"""

import math
from typing import NamedTuple

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


class Predicted(NamedTuple):
    """Predictions z `[C, N]` in float64 by `Problem.predict` or `there_and_back`, of a bias `[C]`."""

    z: Tensor
    bias: Tensor


def predictions(
    problem: Problem, weight: Tensor, bias: Tensor, enough: float = 0.0, known: Predicted | None = None
) -> tuple[Tensor, Tensor]:
    """Predict z `[C, N]`, with bounds of the errors `[C, N]`, for weight `[C, D]` and bias `[C]`, float64.

    Args:
        enough: a bound that need not be undercut by errors; where all are below it, no extended precision is used.
        known: predictions of the same weight, whose bias may be another.
    """
    small = problem.x.numel() * len(weight) <= EXTENDED
    # A product and the bias take longest_row + 1 roundings at the most, and another bias two more.
    share = 2 * (problem.longest_row + 3) * UNIT_ROUNDOFF
    if enough > 0:
        moved = torch.zeros_like(bias) if known is None else bias - known.bias
        sizes = weight.abs().sum(1) * problem.largest_of_all + bias.abs() + moved.abs()  # without a pass over the rows
        if share * float(sizes.max()) <= enough:
            z = problem.predict(weight, bias) if known is None else known.z + moved[:, None]
            return z, (share * sizes)[:, None].expand_as(z)
    if not small or enough > 0:
        z, error = problem.predict(weight, bias), share * problem.predict_sizes(weight, bias)
        if not small or float(error.max()) <= enough:
            return z, error
    design = problem.design().numpy()
    right = (torch.cat([weight, bias[:, None]], 1) if problem.bias else weight).numpy()
    product = Sliced(design).times(right.T.copy())
    z = torch.from_numpy(product.high.T.copy())
    size = torch.from_numpy(abs(right)) @ torch.from_numpy(abs(design).max(0))
    terms = (design.shape[1] + 2) * Sliced.relative_error(design.shape) * size
    return z, UNIT_ROUNDOFF * z.abs() + terms[:, None]


def mean_loss(
    convex_loss: ConvexLoss, z: Tensor, error: Tensor, y: Tensor, enough: float = 0.0, values: Tensor | None = None
) -> tuple[float, float]:
    """Compute the mean loss at predictions `[C, N]` known to `error`, and a bound of its own error.

    Args:
        enough: rounding error of the sum that does not matter.
        values: the losses `[N]` as `value_and_theta` computes them, where they are known.
    """
    values = convex_loss.value_and_theta(z, y)[0] if values is None else values
    doubt = convex_loss.times_weight(_loss_error(convex_loss, z, error, y)) + 2 * UNIT_ROUNDOFF * values.abs()
    value, rounding = mean(values, enough)
    return value, upper_mean(doubt) + rounding


def mean(values: Tensor, enough: float = 0.0) -> tuple[float, float]:
    """Compute the mean of `[N]` and a bound of its error: at most `enough`, or that of two roundings."""
    size = upper_mean(values.abs())
    rounding = (len(values) + 2) * UNIT_ROUNDOFF * size
    if rounding <= enough:
        return float(values.sum()) / len(values), rounding
    return math.fsum(values.tolist()) / len(values), 2 * UNIT_ROUNDOFF * size


def upper_mean(values: Tensor) -> float:
    """Bound the mean of numbers of at least 0, `[N]`, from above: their sum is too small by γ_N at the most."""
    return float(values.sum()) / len(values) * (1 + 2 * (len(values) + 2) * UNIT_ROUNDOFF)


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


def mean_conjugate(
    convex_loss: ConvexLoss, theta: Tensor, error: Tensor, y: Tensor, enough: float = 0.0
) -> tuple[float, float]:
    """Compute the mean of ℓ*(θ) at dual variables `[C, N]`, in the domain up to `error`, and its error."""
    values = convex_loss.conjugate(theta, y)
    theta, error = (
        convex_loss.per_weight(theta),
        convex_loss.per_weight(error) + 2 * UNIT_ROUNDOFF * convex_loss.per_weight(theta.abs()),
    )
    doubt = convex_loss.times_weight(_conjugate_error(convex_loss, theta, error, y)) + 2 * UNIT_ROUNDOFF * values.abs()
    value, rounding = mean(values, enough)
    return value, upper_mean(doubt) + rounding


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
