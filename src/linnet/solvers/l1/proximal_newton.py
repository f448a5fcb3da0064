"""Proximal Newton for objectives with absolute values: minimise the quadratic model plus ‖W‖₁, then search along.

Only a working set of weights enters a model: those that are not zero, and those that the gradient says should not
stay so. Lee, Sun, Saunders, "Proximal Newton-type methods for minimizing composite functions", 2014; Friedman, Hastie,
Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate Descent", 2010.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from linnet.solvers.l1.quadratic_l1 import quadratic_l1
from linnet.solvers.newton.newton import POLISHED, STALLED, evaluate, is_tight
from linnet.solvers.problem import Problem

STEPS = 200
FIRST_DAMPING = 0.01
"""Share of its diagonal by which the first model's Hessian is raised (Levenberg and Marquardt)."""
POLISHING_STEPS = 3
"""After the one that is within tolerance."""
WORKING_SET = 3000
"""Weights in one model at the most: its Hessian is dense, 72 MB."""


def minimise(
    problem: Problem,
    weight: Tensor,
    bias: Tensor,
    *,
    done: Callable[[Tensor, Tensor, float], bool],
    tolerance: float,
) -> tuple[Tensor, Tensor, int]:
    """Minimise F from weight `[C, D]` and bias `[C]`, float64.

    Args:
        problem: the training problem.
        weight: where to start, `[C, D]`.
        bias: where to start, `[C]`.
        done: of weight, bias and the last step's promised decrease: whether to stop.
        tolerance: that `done` asks of F. If it is tight, some more steps bring the weights nearer.

    Returns:
        weight, with exact zeros, bias, and the number of steps. It stops as well where rounding hides any decrease.
    """
    point, promised, stalled = evaluate(problem, weight, bias, torch.float64), float("inf"), 0
    majorise, damping = 1.0, FIRST_DAMPING
    # An objective that is right to ε leaves errors of the order of √ε in the weights: some steps more, where cheap.
    cheap = problem.x.numel() * problem.n_outputs <= POLISHED
    left = POLISHING_STEPS if cheap and is_tight(problem, tolerance, point.objective) else 0
    near = False
    for step in range(STEPS):
        near = near or done(weight, bias, promised)
        if stalled == STALLED or (near and left == 0):
            return weight, bias, step
        left -= near
        chosen = _working_set(problem, weight, point.gradient[0])
        curvature = problem.convex_loss.curvature(point.z, problem.targets, majorise)
        hessian = _hessian(problem, curvature, chosen)
        # Nearly flat directions, as separable classes have, would send the model's minimum out of all reach.
        hessian.diagonal().mul_(1 + damping)
        new_weight, new_bias = _model_minimum(problem, weight, bias, point.gradient, chosen, hessian)
        move = (new_weight - weight, new_bias - bias)
        slope = float((point.gradient[0] * move[0]).sum() + (point.gradient[1] * move[1]).sum())
        slope += problem.l1 * float(new_weight.abs().sum() - weight.abs().sum())
        promised = -0.5 * slope
        scale, slack = 1.0, 4e-16 * abs(point.objective)
        while True:
            # At full length the model's own zeros stay zeros.
            trial_weight = new_weight if scale == 1 else weight + scale * move[0]
            trial_bias = bias + scale * move[1]
            trial = evaluate(problem, trial_weight, trial_bias, torch.float64)
            if trial.objective <= point.objective + 1e-4 * scale * slope + slack or scale < 1e-10:
                break
            scale *= 0.5
        if scale < 1e-10 or not trial.objective < point.objective:
            stalled += 1
        factor = 0.1 if scale == 1 else 10.0
        majorise, damping = min(1.0, max(1e-12, majorise * factor)), min(1e12, max(1e-10, damping * factor))
        if scale >= 1e-10:
            weight, bias, point = trial_weight, trial_bias, trial
    return weight, bias, STEPS


def _working_set(problem: Problem, weight: Tensor, gradient: Tensor) -> list[Tensor]:
    """Return for each output the features `[n_c]` whose weights may change."""
    # What a gradient step with soft thresholding would change: zero exactly where a weight is optimal.
    moved = weight - gradient
    violation = (weight - moved.sign() * (moved.abs() - problem.l1).clamp(min=0)).abs()
    wanted = violation.where(weight == 0, violation + violation.max())  # weights that are not zero come first
    n_wanted = min(int((wanted > 0).sum()), WORKING_SET)
    order = wanted.view(-1).argsort(descending=True)[:n_wanted]
    output, feature = order // problem.n_features, order % problem.n_features
    return [feature[output == c].sort().values for c in range(problem.n_outputs)]


def _hessian(problem: Problem, curvature: Tensor, chosen: list[Tensor]) -> Tensor:
    """Compute the Hessian of the loss in the chosen weights and bias of each output, output by output: `[n, n]`."""
    columns = [problem.columns(features) for features in chosen]
    ends = np.cumsum([0] + [part.shape[1] for part in columns])
    hessian = torch.zeros(ends[-1], ends[-1], dtype=torch.float64)
    for row in range(problem.n_outputs):
        weights = problem.convex_loss.row(curvature, row, slice(row, None)).to(problem.x.dtype) / problem.n_examples
        for offset, weight in enumerate(weights):
            column = row + offset
            block = problem.gram(columns[row], weight, columns[column])
            hessian[ends[row] : ends[row + 1], ends[column] : ends[column + 1]] = block
            hessian[ends[column] : ends[column + 1], ends[row] : ends[row + 1]] = block.T
    return hessian


def _model_minimum(
    problem: Problem,
    weight: Tensor,
    bias: Tensor,
    gradient: tuple[Tensor, Tensor],
    chosen: list[Tensor],
    hessian: Tensor,
) -> tuple[Tensor, Tensor]:
    """Minimise the quadratic model at the current weight and bias, plus l1 ‖W‖₁."""

    def gather(matrix: Tensor, vector: Tensor) -> Tensor:
        ends = [vector[c : c + 1] if problem.bias else vector[:0] for c in range(len(chosen))]
        return torch.cat([part for c, j in enumerate(chosen) for part in (matrix[c, j], ends[c])])

    here, slope = gather(weight, bias), gather(*gradient)
    threshold = gather(torch.full_like(weight, problem.l1), torch.zeros_like(bias))
    squared = gather(torch.full_like(weight, problem.l2), torch.zeros_like(bias))
    matrix = hessian + torch.diag(squared)
    linear = matrix @ here - slope
    solved, _ = quadratic_l1(matrix.numpy(), linear.numpy(), threshold.numpy(), here.numpy())
    best, start = torch.from_numpy(solved), 0
    weight, bias = weight.clone(), bias.clone()
    for c, j in enumerate(chosen):
        weight[c, j] = best[start : start + len(j)]
        start += len(j)
        if problem.bias:
            bias[c] = best[start]
            start += 1
    return weight, bias
