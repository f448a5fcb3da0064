"""Softmax of two classes as logistic regression: one vector v = w₁ − w₀ takes half of the work.

Of all W with the same v, W = (−v/2, v/2) has the least penalty, l1 ‖v‖₁ + (l2/2)/2 ‖v‖², so that both problems have the
same minimum. Certificates are those of softmax: here is only the way to the minimum.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from linnet.solvers.convex_loss import ConvexLoss
from linnet.solvers.convex_losses import Softmax
from linnet.solvers.newton.newton import Point
from linnet.solvers.sparse.problem import SparseProblem


class Logistic(ConvexLoss):
    """The softmax loss of logits (−u/2, u/2) as a function of u `[1, N]`.

    Its dual variable is half the difference of those of softmax, of which (−θ, θ) is the pair: it sums to zero, and a
    common shift of the logits changes no loss, so that the conjugate is that of softmax.
    """

    def __init__(self, softmax: Softmax) -> None:
        super().__init__(softmax.loss, smoothness=0.25)
        self.softmax, self.weight = softmax, softmax.weight

    def weighted(self, weight: Tensor | None) -> "Logistic":
        return Logistic(self.softmax.weighted(weight))

    def value_and_theta(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        value, theta = self.softmax.value_and_theta(both(z), y)
        return value, (theta[1:] - theta[:1]) / 2

    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        return self.softmax._conjugate(torch.cat([-theta, theta]), y)

    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        return self.softmax._centre(torch.cat([-theta, theta]), y)[1:]

    def _curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        p = self.softmax._curvature(both(z), y, majorise)
        return p[:1] * p[1:]


def both(part: Tensor) -> Tensor:
    """Return the pair (−part/2, part/2) of `[1, …]`, `[2, …]`; rounds nothing."""
    return torch.cat([-part, part]) / 2


def is_of_two_classes(problem: SparseProblem) -> bool:
    return isinstance(problem.convex_loss, Softmax) and problem.n_outputs == 2


def as_logistic(problem: SparseProblem) -> SparseProblem:
    """Return the problem in v, with the same objective."""
    assert isinstance(problem.convex_loss, Softmax)
    return replace(problem, convex_loss=Logistic(problem.convex_loss), n_outputs=1, l2=problem.l2 / 2)


def point_of_both(point: Point) -> Point:
    """Return a point of the problem in v as one of softmax, whose gradient is opposite for the two classes."""
    return Point(point.objective, (2 * both(point.gradient[0]), 2 * both(point.gradient[1])), both(point.z))


def whole(done: Callable[[Tensor, Tensor, float], bool]) -> Callable[[Tensor, Tensor, float], bool]:
    """Ask of v what is asked of W."""
    return lambda weight, bias, promised: done(both(weight), both(bias), promised)
