"""The way to the minimum of a penalised smooth problem of sparse features, which its certificate then ends."""

from collections.abc import Callable

from torch import Tensor

from linnet.solvers.l1 import proximal_newton
from linnet.solvers.newton import newton
from linnet.solvers.newton.newton import Point
from linnet.solvers.sparse import orthants
from linnet.solvers.sparse.preconditioner import CentredDiagonal
from linnet.solvers.sparse.problem import SparseProblem
from linnet.solvers.two_classes import as_logistic, both, is_of_two_classes, near_whole, whole

Done = Callable[[Tensor, Tensor, float], bool]


def minimise(
    problem: SparseProblem,
    weight: Tensor,
    bias: Tensor,
    *,
    near: Callable[[Point, Tensor, Tensor, float], bool],
    done: Done,
    tolerance: float,
) -> tuple[Tensor, Tensor, int]:
    """Minimise F from weight `[C, D]` and bias `[C]`, float64; of two classes, from opposite ones.

    Args:
        near: of point, weight, bias and promised decrease, whether to stop where there is no l1 part.
        done: the same where there is one, without the point.
        tolerance: that they ask of F.

    Returns:
        weight, bias and the number of steps.
    """
    if is_of_two_classes(problem):
        weight, bias, steps = minimise(
            as_logistic(problem), weight[1:] - weight[:1], bias[1:] - bias[:1],
            near=near_whole(near), done=whole(done), tolerance=tolerance,
        )  # fmt: skip
        return both(weight), both(bias), steps
    if problem.l1 > 0:
        return _with_absolute_values(problem, weight, bias, done, tolerance)
    return newton.minimise(
        problem, weight, bias, done=near, tolerance=tolerance, inverse=lambda _, dtype: CentredDiagonal(problem)
    )


def _with_absolute_values(
    problem: SparseProblem, weight: Tensor, bias: Tensor, done: Done, tolerance: float
) -> tuple[Tensor, Tensor, int]:
    few = orthants.FEW_STEPS
    weight, bias, steps = orthants.minimise(problem, weight, bias, done=done, tolerance=tolerance, most_steps=few)
    if steps < few:
        return weight, bias, steps
    if int((weight != 0).sum()) <= proximal_newton.WORKING_SET // 2:  # sure, as long as a dense Hessian is small
        weight, bias, more = proximal_newton.minimise(problem, weight, bias, done=done, tolerance=tolerance)
    else:
        weight, bias, more = orthants.minimise(problem, weight, bias, done=done, tolerance=tolerance)
    return weight, bias, steps + more
