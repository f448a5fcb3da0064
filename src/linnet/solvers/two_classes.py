"""Softmax of two classes as logistic regression: one vector v = w₁ − w₀ takes half of the work.

Of all W with the same v, W = (−v/2, v/2) has the least penalty, l1 ‖v‖₁ + (l2/2)/2 ‖v‖², so that both problems have the
same minimum. Certificates are those of softmax: here is only the way to the minimum.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from linnet.solvers.convex_losses import Softmax
from linnet.solvers.logistic import Logistic
from linnet.solvers.newton.newton import Point
from linnet.solvers.problem import Problem

AnyProblem = TypeVar("AnyProblem", bound=Problem)
Near = Callable[[Point, Tensor, Tensor, float], bool]


def both(part: Tensor) -> Tensor:
    """Return the pair (−part/2, part/2) of `[1, …]`, `[2, …]`; rounds nothing."""
    return torch.cat([-part, part]) / 2


def is_of_two_classes(problem: Problem) -> bool:
    """Return whether a problem is softmax of two classes, both of which count for each example."""
    loss = problem.convex_loss
    return isinstance(loss, Softmax) and loss.allowed is None and problem.n_outputs == 2


def as_logistic(problem: AnyProblem) -> AnyProblem:
    """Return the problem in v, with the same objective."""
    assert isinstance(problem.convex_loss, Softmax)
    return replace(problem, convex_loss=Logistic(problem.convex_loss), n_outputs=1, l2=problem.l2 / 2)


def point_of_both(point: Point) -> Point:
    """Return a point of the problem in v as one of softmax, whose gradient is opposite for the two classes."""
    return Point(point.objective, (2 * both(point.gradient[0]), 2 * both(point.gradient[1])), both(point.z))


def whole(done: Callable[[Tensor, Tensor, float], bool]) -> Callable[[Tensor, Tensor, float], bool]:
    """Ask of v what is asked of W."""
    return lambda weight, bias, promised: done(both(weight), both(bias), promised)


def near_whole(near: Near) -> Near:
    """Ask of a point and its v what is asked of one of W."""
    return lambda point, weight, bias, promised: near(point_of_both(point), both(weight), both(bias), promised)
