"""Lasso and elastic net for squared error: C quadratics that share one Gram matrix."""

import torch
from torch import Tensor

from linnet.solvers.convex_losses import Quadratic
from linnet.solvers.l1.quadratic_l1 import quadratic_l1
from linnet.solvers.problem import Problem


def lasso(problem: Problem, weight: Tensor) -> tuple[Tensor, Tensor, int]:
    """Minimise F of squared error with an l1 part in the penalty, from weight `[C, D]`, float64.

    Features and targets about their weighted means need no bias, which follows from the means.

    Returns:
        weight, with exact zeros, bias, and the number of rounds of the output that took the most.
    """
    assert isinstance(problem.convex_loss, Quadratic)
    y, scale, n_features = problem.targets, problem.convex_loss.scale, problem.n_features
    zero = torch.zeros(n_features, dtype=torch.float64)
    mean_x, mean_y = zero, torch.zeros(problem.n_outputs, dtype=torch.float64)
    if problem.bias:
        ones = torch.ones(1, problem.n_examples, dtype=torch.float64)
        mean_x = problem.transpose(problem.convex_loss.times_weight(ones))[0]
        mean_y = problem.convex_loss.mean(y.T)[:, 0]
    gram = torch.zeros(n_features, n_features, dtype=torch.float64)
    product = torch.zeros(problem.n_outputs, n_features, dtype=torch.float64)
    for rows, x, _ in problem.chunks(torch.float64):
        centred = x - mean_x
        weighted = problem.convex_loss.of(rows).times_weight(centred.T)
        gram += weighted @ centred
        product += (weighted @ (y[rows] - mean_y)).T
    hessian = gram * (scale / problem.n_examples) + problem.l2 * torch.eye(n_features, dtype=torch.float64)
    linear = product * (scale / problem.n_examples)
    threshold = torch.full((n_features,), problem.l1, dtype=torch.float64)
    solved = [
        quadratic_l1(hessian.numpy(), right.numpy(), threshold.numpy(), start.numpy())
        for right, start in zip(linear, weight, strict=True)
    ]
    weight = torch.stack([torch.from_numpy(w) for w, _ in solved])
    return weight, mean_y - weight @ mean_x, max(rounds for _, rounds in solved)
