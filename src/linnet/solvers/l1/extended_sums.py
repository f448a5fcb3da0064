"""Sums over the examples in twice the working precision, for piecewise quadratic losses with an l1 penalty.

Along a direction such an objective is piecewise quadratic, too, and a line search is exact.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linnet.solvers.convex_losses import Quadratic, Robust
from linnet.solvers.extended_precision import Array, Extended, Sliced, extended, two_product
from linnet.solvers.problem import Problem


class Pieces(NamedTuple):
    """Changes of the slope along a direction, at distances t ≥ 0 in units of its length.

    first, last: where an example enters the parabola of its loss and leaves it, `[N]`.
    curvature: of the example's loss in between, `[N]`.
    kinks, jumps: where a weight changes its sign, and by how much the slope rises there, `[P]`.
    bend: curvature of the penalty.
    """

    first: Array
    last: Array
    curvature: Array
    kinks: Array
    jumps: Array
    bend: float

    def rise(self, t: float, *, after: bool = True) -> float:
        """Return the slope at t, after or before a kink, minus that at 0; terms of one sign, so no cancellation."""
        length = np.clip(t - self.first, 0, np.maximum(self.last - self.first, 0))
        passed = self.kinks <= t if after else self.kinks < t
        return float(self.curvature @ length) + self.bend * t + float(self.jumps[passed].sum())


def lowest_point(descent: float, pieces: Pieces) -> tuple[float, NDArray[np.int64]]:
    """Find the point where the slope −descent + rise changes its sign, and the weights that are 0 there.

    Args:
        descent: minus the slope at 0. A step that meets no change before 1 has its lowest point at 1.
    """
    none = np.zeros(0, dtype=np.int64)
    ends = np.concatenate([pieces.first, pieces.last, pieces.kinks])
    ends = np.unique(ends[(ends > 0) & np.isfinite(ends)])
    if not (pieces.kinks <= 0).any() and (len(ends) == 0 or ends[0] > 1):
        return 1.0, none
    if not descent > pieces.rise(0.0):
        return 0.0, none
    low, high = 0, len(ends)  # the first end at which the slope is not negative
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if pieces.rise(ends[middle]) >= descent else (middle + 1, high)
    if low < len(ends) and pieces.rise(ends[low], after=False) < descent:
        return float(ends[low]), np.flatnonzero(pieces.kinks == ends[low])
    before = float(ends[low - 1]) if low else 0.0
    beyond = float(ends[low]) if low < len(ends) else 2 * max(before, 1.0)
    left = descent - pieces.rise(before)
    slope = (pieces.rise(beyond, after=False) - pieces.rise(before)) / (beyond - before)
    return before + left / slope if slope > 0 else beyond, none


class At(NamedTuple):
    """Residuals and dual variables `[N, 1]`, minus the gradient of loss and squares `[P, 1]`, its error `[P]`."""

    residual: Extended
    inside: NDArray[np.bool_]
    theta: Extended
    pull: Extended
    doubt: Array


class Sums:
    """The objective times N, which no division rounds: Σ_i w_i ℓ(r_i) + N l1 ‖W‖₁ + N l2/2 ‖W‖²."""

    def __init__(self, problem: Problem) -> None:
        convex_loss, n_examples = problem.convex_loss, problem.n_examples
        assert isinstance(convex_loss, Quadratic | Robust)
        self.bias = problem.bias
        self.width = convex_loss.width if isinstance(convex_loss, Robust) else math.inf
        self.bend = convex_loss.slope / convex_loss.width if isinstance(convex_loss, Robust) else convex_loss.scale
        self.weight = np.ones(n_examples) if problem.weight is None else problem.weight.numpy()
        self.design, self.target = problem.design().numpy(), problem.targets.numpy()
        self.sliced, self.largest = Sliced(self.design), np.abs(self.design).max(axis=0)
        self.penalised = np.full(self.design.shape[1], problem.l1 > 0)
        of_weights = np.ones(self.design.shape[1])
        if self.bias:
            self.penalised[-1], of_weights[-1] = False, 0.0
        many = np.full(self.design.shape[1], float(n_examples))
        self.l1 = Extended(*two_product(many, problem.l1 * self.penalised))
        self.l2 = Extended(*two_product(many, problem.l2 * of_weights))

    def at(self, params: Extended) -> At:
        design, curvature = self.design, self.weight * self.bend
        residual = self.sliced.times(params.high).plus(self.sliced.times(params.low)).minus(extended(self.target))
        outside = Extended(np.abs(residual.high), np.sign(residual.high) * residual.low)
        inside = np.ones(len(design), dtype=np.bool_)
        if math.isfinite(self.width):
            inside = outside.minus(extended(np.full_like(residual.high, self.width))).high[:, 0] <= 0
        limit = np.sign(residual.high) * min(self.width, 1e300)
        clipped = Extended(
            np.where(inside[:, None], residual.high, limit), np.where(inside[:, None], residual.low, 0.0)
        )
        theta = clipped.times(np.full_like(limit, self.bend)).times(self.weight[:, None])
        of_squares = params.times(self.l2.high[:, None])
        pull = self.sliced.transpose_times(Extended(-theta.high, -theta.low)).minus(of_squares)
        error = Sliced.relative_error(design.shape)
        of_residual = (design.shape[1] + 2) * error * float(np.abs(params.high[:, 0]) @ self.largest)
        doubt = (len(design) + 2) * error * np.abs(theta.high).max() * self.largest
        doubt += of_residual * (curvature @ np.abs(design)) + 2.0**-95 * np.abs(of_squares.high[:, 0])
        return At(residual, inside, theta, pull, doubt)

    def downhill(self, at: At, signs: Array) -> Array:
        """Return minus the gradient for given signs of the weights, `[P]`."""
        pull = Extended(at.pull.high[:, 0], at.pull.low[:, 0])
        return pull.minus(Extended(self.l1.high * signs, self.l1.low * signs)).high

    def root(self, at: At, free: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Return a root `[m, n]` of the Hessian, its columns scaled to about unit length, and their units `[n]`."""
        design = self.design[:, free] * np.sqrt(self.weight * self.bend)[:, None]
        squares = np.diag(np.sqrt(self.l2.high[free]))
        unit = np.hypot(np.linalg.norm(design, axis=0), np.diag(squares))
        unit = np.where(unit > 0, unit, 1.0)
        return np.vstack([design[at.inside], squares[squares.any(axis=1)]]) / unit, unit

    def pieces(self, at: At, params: Extended, signs: Array, direction: Array, free: NDArray[np.bool_]) -> Pieces:
        """Collect the changes of the objective's slope along a direction."""
        move = self.design[:, free] @ direction[free]
        here = params.high[:, 0]
        turning = self.penalised & (signs * direction < 0)
        kinks = np.where(turning, -here / np.where(turning, direction, 1.0), np.inf)
        ends = np.zeros(len(move)), np.full(len(move), np.inf)
        if math.isfinite(self.width):
            safe = np.where(move == 0, 1.0, move)
            limits = np.array([[-self.width], [self.width]])
            first, last = np.sort((limits - at.residual.high[:, 0]) / safe, axis=0)
            ends = np.maximum(first, 0), np.where(move == 0, 0.0, np.maximum(last, 0))
        bend = float(self.l2.high @ direction**2)
        return Pieces(*ends, self.weight * self.bend * move**2, kinks, 2 * self.l1.high * np.abs(direction), bend)

    def most_wanting(self, at: At, params: Extended) -> int:
        """Return the zero weight whose slope exceeds the penalty the most, or −1 if none does."""
        excess = self.downhill(at, np.sign(at.pull.high[:, 0])) * np.sign(at.pull.high[:, 0])
        wanting = self.penalised & (params.high[:, 0] == 0) & (excess > at.doubt)
        wanting &= self.largest > 0
        return int(np.where(wanting, excess, -1.0).argmax()) if wanting.any() else -1
