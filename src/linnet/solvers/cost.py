"""Estimate the cost of solving, compared with training, from shapes alone.

It must not depend on the machine or on how busy that is: whether a run tells its distance to the optimum is part of
what it computes, and has to come out the same when the run is resumed or reproduced.
"""

from linnet.losses import AbsoluteError, Loss, TorchAbsoluteError
from linnet.penalties import Penalty
from linnet.solvers.convex_losses import Quadratic, convex_loss_of

RATE = 2e10
"""Multiplications and additions a second, of two cores of a common machine."""


def solve_seconds(n: int, d: int, c: int, loss: Loss, penalty: Penalty) -> float:
    """Estimate the time that `solve` takes.

    Args:
        n, d, c: examples, features, outputs.
        loss, penalty: of the objective.
    """
    convex_loss = convex_loss_of(loss)
    if isinstance(convex_loss, Quadratic):
        return 0.02 + 4 * n * d * (d + c) / RATE
    if isinstance(loss, (AbsoluteError, TorchAbsoluteError)):
        return 0.05 + 2e-5 * n * d * c
    passes = 300 if float(penalty.l2) > 0 or float(penalty.l1) > 0 else 2000
    return 0.2 + passes * 4 * n * d * c / RATE


def training_seconds(n: int, d: int, c: int, batch_size: int, epochs: float) -> float:
    """Estimate the time that training takes, evaluation after each epoch included."""
    steps = -(-n // batch_size)
    return epochs * (6 * n * d * c / RATE + 1e-4 * steps + 0.01)
