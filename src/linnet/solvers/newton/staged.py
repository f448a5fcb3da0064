"""The cheapest approximate inverse of the Hessian that is good enough, and one that is not renewed needlessly."""

from torch import Tensor, dtype

from linnet.solvers.convex_losses import Softmax
from linnet.solvers.logistic import Logistic
from linnet.solvers.newton.kronecker import Kronecker
from linnet.solvers.newton.preconditioner import Preconditioner, dense_work
from linnet.solvers.problem import Problem

CALL = 1e7
"""Multiplications that take as long as the calls of torch in one step of conjugate gradients."""
WORTHWHILE = 8
"""Steps of conjugate gradients that the dense inverse must cost for others to be tried before it."""


class Staged:
    """A Kronecker product while few steps of conjugate gradients do with it, `Preconditioner` from then on.

    Few are those that cost less than an update of the dense inverse. An update that follows so few keeps the inverse
    as it is: that of a point nearby serves as well. Numbers of multiplications decide, not clocks, so that the
    result is the same every time.

    Args:
        problem: the training problem.
        low: data type of products with the examples.
    """

    def __init__(self, problem: Problem, low: dtype) -> None:
        self.problem, self.low, self.calls = problem, low, 0
        product = 2.0 * problem.x.numel() * problem.n_outputs + CALL
        self.limit = dense_work(problem) / product
        cheap = (
            isinstance(problem.convex_loss, Softmax | Logistic)
            and problem.l2 > 0
            and self.limit >= WORTHWHILE
            and Kronecker.work(problem) < WORTHWHILE / 2 * product
        )
        self.inverse: Kronecker | Preconditioner | None = Kronecker(problem, low) if cheap else None
        self.lasting = cheap

    def update(self, curvature: Tensor) -> None:
        """Move to the point whose curvature `[C, N]` is given, unless the inverse is good enough where it is."""
        many = self.calls > self.limit
        if self.inverse is None or (many and isinstance(self.inverse, Kronecker)):
            self.inverse = Preconditioner(self.problem, self.low)
            many = True
        if many or not self.lasting or isinstance(self.inverse, Kronecker):
            self.inverse.update(curvature)
        self.calls = 0

    def __call__(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the inverse to a gradient, weight `[C, D]` and bias `[C]` in float64."""
        assert self.inverse is not None
        self.calls += 1
        return self.inverse(weight, bias)
