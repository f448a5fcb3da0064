"""Map linnet's losses to convex losses with known conjugates."""

import math

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
from linnet.solvers.convex_losses import Poisson, Quadratic, Robust, Softmax


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
