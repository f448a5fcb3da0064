"""Which sparse problems are solved with dense features, and which cannot be solved."""

from linnet.losses import Loss
from linnet.solvers.convex_losses import Quadratic
from linnet.solvers.problem import Problem
from linnet.solvers.sparse.problem import SparseProblem

DENSE_NUMBERS, DENSE_FEATURES = 1_000_000, 500
"""Numbers and features up to which dense solvers take no longer, whose bounds are tighter on badly scaled features."""
UNPENALISED_NUMBERS, UNPENALISED_FEATURES = 4_000_000, 1_000
"""The same without a penalty: only dense solvers decide whether there is a minimum."""


def sparse_or_dense(problem: SparseProblem) -> Problem:
    """Return the problem with dense features if it is small, else as it is."""
    numbers, features = DENSE_NUMBERS, DENSE_FEATURES
    if problem.l1 == 0 and problem.l2 == 0:
        numbers, features = UNPENALISED_NUMBERS, UNPENALISED_FEATURES
    small = problem.n_examples * problem.n_features <= numbers and problem.n_features <= features
    return problem.dense() if small else problem


def check_solvable(problem: SparseProblem, loss: Loss) -> None:
    """Raise ValueError if the loss needs a penalty to be solved with sparse features."""
    if problem.l1 > 0 or problem.l2 > 0 or isinstance(problem.convex_loss, Quadratic):
        return
    shape = tuple(problem.x.shape)
    raise ValueError(
        f"{type(loss).__name__} without a penalty cannot be solved exactly for sparse features {shape}: "
        f"whether there is a minimum is decided up to {UNPENALISED_NUMBERS:,} numbers and {UNPENALISED_FEATURES:,} "
        f"features only; use a penalty, such as l2 of a small strength"
    )
