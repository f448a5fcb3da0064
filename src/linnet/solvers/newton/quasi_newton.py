"""Limited-memory BFGS with a good approximate inverse to begin from: the cheap way to the neighbourhood of the minimum.

Where outputs and features vary almost independently, a Kronecker product is so near to the Hessian that each step is
nearly Newton's, for one pass over the examples. Conjugate gradients would start from nothing in each Newton step.

Source: Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 7.5.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from linnet.solvers.newton.kronecker import Kronecker
from linnet.solvers.problem import Problem

Parameters = tuple[Tensor, Tensor]
Evaluation = tuple[float, Parameters, Tensor]
PAIRS = 20
"""Steps that are remembered."""
RENEWED = (1, 2, 4, 8, 16)
"""Steps at which the approximate inverse moves to the current point; it changes most at first."""
HALVINGS = 6


def approach(
    problem: Problem,
    weight: Tensor,
    bias: Tensor,
    point: Evaluation,
    inverse: Kronecker,
    evaluate: Callable[[Tensor, Tensor], Evaluation],
    enough: float,
    n_steps: int,
) -> tuple[Tensor, Tensor, int]:
    """Come near the minimum of F from weight `[C, D]` and bias `[C]`, float64.

    Args:
        problem: softmax regression with an l2 penalty.
        point: F, gradient and predictions `[C, N]` there.
        inverse: the approximate inverse of the Hessian.
        evaluate: the same of a weight and bias.
        enough: squared length of the gradient by the weight at which to end.
        n_steps: passes over the examples at the most.

    Returns:
        weight, bias and the number of steps. It ends as well where rounding hides any decrease.
    """
    objective, gradient, z = point
    inverse.update(problem.convex_loss.curvature(z, problem.y, 1.0))
    pairs: list[tuple[Tensor, Tensor, float]] = []

    def times(u: Tensor, like: Tensor = weight) -> Tensor:
        return _flat(inverse(*_parts(u, like)))

    slack, passes, step = 4 * torch.finfo(z.dtype).eps, 0, 0
    while passes < n_steps and float(gradient[0].square().sum()) > enough:
        flat = _flat(gradient)
        direction = -_inverse_times(flat, pairs, times)
        slope, scale = float(flat @ direction), 1.0
        for _ in range(HALVINGS):
            move = _parts(scale * direction, weight)
            trial = evaluate(weight + move[0], bias + move[1])
            passes += 1
            change = _flat(trial[1]) - flat
            product = scale * float(direction @ change)
            # F is convex: where its rounding hides a decrease, a flatter slope shows it.
            flatter = abs(scale * slope + product) <= 0.9 * abs(scale * slope)
            if trial[0] <= objective + 1e-4 * scale * slope or (flatter and trial[0] <= objective + slack * objective):
                break
            scale /= 2
        else:
            break
        if product > 0:
            pairs = [*pairs[1 - PAIRS :], (scale * direction, change, product)]
        weight, bias, step = weight + move[0], bias + move[1], step + 1
        objective, gradient, z = trial
        if step in RENEWED:
            inverse.update(problem.convex_loss.curvature(z, problem.y, 1.0))
    return weight, bias, step


def _inverse_times(
    gradient: Tensor, pairs: list[tuple[Tensor, Tensor, float]], inverse: Callable[[Tensor], Tensor]
) -> Tensor:
    """Multiply a gradient by the inverse that agrees with the remembered (step, change of the gradient, product)."""
    shares = []
    for step, change, product in reversed(pairs):
        shares.append(float(step @ gradient) / product)
        gradient = gradient - shares[-1] * change
    result = inverse(gradient)
    for (step, change, product), share in zip(pairs, reversed(shares), strict=True):
        result = result + (share - float(change @ result) / product) * step
    return result


def _flat(u: Parameters) -> Tensor:
    """Return weight and bias less the common change of all classes, which softmax ignores, as one vector."""
    return torch.cat([u[0].flatten(), u[1] - u[1].mean() if len(u[1]) > 1 else u[1]])


def _parts(u: Tensor, weight: Tensor) -> Parameters:
    return u[: weight.numel()].view_as(weight), u[weight.numel() :]
