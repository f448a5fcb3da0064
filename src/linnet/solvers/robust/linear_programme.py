"""Absolute error without l2: a linear programme (Koenker and Bassett, "Regression Quantiles", 1978)."""

import numpy as np
import scipy.sparse as sparse
import torch
from scipy.optimize import linprog
from torch import Tensor

from linnet.solvers.problem import Problem

LARGEST = 3e6
"""Features beyond which the programme would take minutes or more."""


def least_absolute(problem: Problem) -> tuple[Tensor, Tensor, Tensor, int] | None:
    """Minimise mean w|Wx + b − y| + l1 ‖W‖₁ of one output.

    The variables are W = W⁺ − W⁻, b, and residuals u − v with u, v ≥ 0; the objective is linear in them, and the
    shadow price of an example's equation is minus its dual variable over N.

    Returns:
        weight `[1, D]`, bias `[1]`, dual variables θ `[1, N]`, iterations; None if the programme is too large, or the
        solver gives up.
    """
    if problem.x.numel() > LARGEST:
        return None
    n_examples, n_features = problem.n_examples, problem.n_features
    x, y = problem.x.double().numpy(), problem.targets[:, 0].numpy()
    # The solver's tolerances are absolute. By its largest number a column with one outlier would be scaled to nothing.
    size = np.abs(x)
    scale = np.exp(np.log(size, where=size > 0, out=np.zeros_like(x)).sum(0) / np.maximum((size > 0).sum(0), 1))
    x = x / scale
    identity = sparse.identity(n_examples, format="csr")
    ones = np.ones((n_examples, int(problem.bias)))
    sizes = np.ones(n_examples) if problem.weight is None else problem.weight.numpy()
    equations = sparse.hstack([sparse.csr_matrix(np.hstack([x, -x, ones])), -identity, identity], format="csc")
    costs = np.concatenate([
        np.tile(problem.l1 / scale, 2), np.zeros(int(problem.bias)), np.tile(sizes / n_examples, 2)
    ])  # fmt: skip
    free, positive = [(None, None)] * int(problem.bias), (0, None)
    bounds = [positive] * (2 * n_features) + free + [positive] * (2 * n_examples)
    result = linprog(costs, A_eq=equations, b_eq=y, bounds=bounds, method="highs", options={
        "primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10,
    })  # fmt: skip
    if result.status != 0:
        return None
    weight = (result.x[:n_features] - result.x[n_features : 2 * n_features]) / scale
    bias = result.x[2 * n_features : 2 * n_features + int(problem.bias)]
    theta = np.clip(-n_examples * result.eqlin.marginals, -sizes, sizes)
    over, under = result.x[2 * n_features + int(problem.bias) :].reshape(2, n_examples)
    theta = np.where(over > 0, sizes, np.where(under > 0, -sizes, theta))  # to the last bit, where there is a residual
    return (
        torch.from_numpy(weight)[None],
        torch.from_numpy(bias) if problem.bias else torch.zeros(1, dtype=torch.float64),
        torch.from_numpy(theta)[None],
        int(result.nit),
    )
