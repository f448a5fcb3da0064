"""Newton's direction by preconditioned conjugate gradients, from products with the Hessian."""

import torch
from torch import Tensor

from linnet.solvers.convex_losses import Softmax
from linnet.solvers.newton.preconditioner import Inverse
from linnet.solvers.problem import Problem

Parameters = tuple[Tensor, Tensor]
CG_STEPS = 200
CG_ROUNDING = 1e-16
"""Square of the relative accuracy that conjugate gradients are not asked to exceed."""


def newton_direction(
    problem: Problem,
    gradient: Parameters,
    curvature: Tensor,
    preconditioner: Inverse,
    dtype: torch.dtype,
    enough: float = 0.0,
) -> Parameters:
    """Solve H d = −∇F approximately by preconditioned conjugate gradients.

    Args:
        enough: squared length of the gradient of the quadratic model by the weight that need not be undercut.
    """
    direction = (torch.zeros_like(gradient[0]), torch.zeros_like(gradient[1]))
    residual = without_shift(problem, (-gradient[0], -gradient[1]))
    search = solved = without_shift(problem, preconditioner(*residual))
    norm = first = dot(residual, solved)
    for _ in range(CG_STEPS):
        product = hessian_product(problem, search, curvature, dtype)
        bent = dot(search, product)
        if not bent > 0:
            break
        rate = norm / bent
        direction = (direction[0] + rate * search[0], direction[1] + rate * search[1])
        residual = without_shift(problem, (residual[0] - rate * product[0], residual[1] - rate * product[1]))
        solved = without_shift(problem, preconditioner(*residual))
        norm, before = dot(residual, solved), norm
        # Relative accuracy like the square root of the decrease to come: superlinear convergence at the end, where
        # rounding allows it.
        if norm <= min(0.01, max(first, CG_ROUNDING)) * first or float(residual[0].square().sum()) <= enough:
            break
        search = (solved[0] + norm / before * search[0], solved[1] + norm / before * search[1])
    return direction


def without_shift(problem: Problem, u: Parameters) -> Parameters:
    """Remove the common change of all logits, which softmax ignores and along which rounding would accumulate.

    A penalty does, but not of the bias.
    """
    if not isinstance(problem.convex_loss, Softmax):
        return u
    return (u[0] if problem.l1 > 0 or problem.l2 > 0 else u[0] - u[0].mean(0)), u[1] - u[1].mean(0)


def hessian_product(problem: Problem, u: Parameters, curvature: Tensor, dtype: torch.dtype) -> Parameters:
    """Compute H u for the Hessian of loss and l2 part at the point whose curvature `[C, N]` is given."""

    def bent(rows: slice, z: Tensor, y: Tensor) -> Tensor:
        return problem.convex_loss.product(curvature[:, rows], z)

    weight, bias = problem.there_and_back(*u, bent, dtype)
    return weight + problem.l2 * u[0], bias if problem.bias else torch.zeros_like(bias)


def dot(a: Parameters, b: Parameters) -> float:
    return float((a[0] * b[0]).sum() + (a[1] * b[1]).sum())
