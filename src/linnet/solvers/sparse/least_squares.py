"""Squared error of sparse features without a penalty: conjugate gradients, and a bound where one can be proven.

F is a quadratic with the Hessian κ X̃ᵀWX̃/N, X̃ the features and a column of ones for the bias. If its smallest eigenvalue
in scaled coordinates is at least μ > 0, then F − inf F ≤ ‖∇F‖²/(2μ). That takes a matrix of D² numbers, so it is tried
up to `GRAM_FEATURES`; beyond, or where columns depend on each other, no more is proven than that no square is negative.
"""

import math

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from linnet.solvers.convex_losses import Quadratic
from linnet.solvers.newton import newton
from linnet.solvers.newton.newton import Point
from linnet.solvers.optimum import Optimum
from linnet.solvers.rounding import UNIT_ROUNDOFF, mean_loss, predictions
from linnet.solvers.sparse.preconditioner import CentredDiagonal
from linnet.solvers.sparse.problem import SparseProblem

GRAM_FEATURES = 2000
"""Features up to which the matrix of their products is formed: 32 MB, a second to factor."""
PROOF = "squared error: gradient, and the smallest eigenvalue of XᵀX bounded by a Cholesky factorisation"
NO_PROOF = "only that no squared error is negative; a penalty, however small, allows a proof"


def solve_least_squares(problem: SparseProblem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    """Minimise the mean squared error from weight `[C, D]` and bias `[C]`, float64."""
    convex_loss = problem.convex_loss
    assert isinstance(convex_loss, Quadratic)

    def close(point: Point, weight: Tensor, bias: Tensor, promised: float) -> bool:
        return promised <= 0.01 * tolerance

    weight, bias, steps = newton.minimise(
        problem, weight, bias, done=close, tolerance=tolerance, inverse=lambda _, dtype: CentredDiagonal(problem)
    )
    z, z_error = predictions(problem, weight, bias)
    objective, rounding = mean_loss(convex_loss, z, z_error, problem.targets)
    bound, words = objective - convex_loss.constant * problem.n_outputs + rounding, NO_PROOF
    least, unit = _smallest_eigenvalue(problem)
    if least > 0:
        gradient = _gradient_sizes(problem, z, z_error) / unit
        proven = float(gradient.square().sum()) * (1 + 1e-9) / (2 * convex_loss.scale * least) + rounding
        if proven < bound:
            bound, words = proven, PROOF
    return Optimum(weight, bias, objective, bound, words, least > 0, "Newton, conjugate gradients", steps)


def _gradient_sizes(problem: SparseProblem, z: Tensor, z_error: Tensor) -> Tensor:
    """Bound |∂F| by weight and bias, `[C, D or D + 1]`, at predictions known to an error, both `[C, N]`."""
    convex_loss = problem.convex_loss
    assert isinstance(convex_loss, Quadratic)
    _, theta = convex_loss.value_and_theta(z, problem.targets)
    error = convex_loss.times_weight(convex_loss.scale * z_error) + 8 * UNIT_ROUNDOFF * theta.abs()
    terms = max(problem.longest_column, problem.n_examples if problem.bias else 0) + 12
    error = error * (1 + 1e-9) + terms * UNIT_ROUNDOFF * theta.abs()
    size = problem.transpose(theta).abs() + problem.transpose_sizes(error)
    if problem.bias:
        size = torch.cat([size, theta.mean(1, keepdim=True).abs() + error.mean(1, keepdim=True)], 1)
    return size * (1 + 1e-9)


def _smallest_eigenvalue(problem: SparseProblem) -> tuple[float, Tensor]:
    """Bound the smallest eigenvalue of SX̃ᵀWX̃S/N from below, and return the diagonal of S⁻¹, powers of 2; 0 if unknown.

    Source: Rump, "Verification of positive definiteness", 2006: a Cholesky factorisation of G − τI that ends proves
    that no eigenvalue of G is below τ by more than rounding errors of the size of n u tr G.
    """
    unknown = 0.0, torch.ones(())
    if problem.n_features + problem.bias > min(GRAM_FEATURES, problem.n_examples):
        return unknown
    x = problem.matrix
    if problem.bias:
        x = scipy.sparse.hstack([x, np.ones((problem.n_examples, 1))], format="csr")
    weight = np.ones(problem.n_examples) if problem.weight is None else problem.weight.numpy()
    scaled = scipy.sparse.csr_array((x.data * np.repeat(weight, np.diff(x.indptr)), x.indices, x.indptr), x.shape)
    gram = (scaled.T @ x).toarray() / problem.n_examples
    length = gram.diagonal()
    if not (np.isfinite(gram).all() and (length > 0).all()):
        return unknown
    unit = np.exp2(np.round(np.log2(length) / 2))  # powers of 2 scale without rounding
    gram = gram / unit / unit[:, None]
    trace, n = float(gram.trace()), len(gram)
    # Entries are sums of at most N products of three numbers; |X̃|ᵀ|X̃| is no larger than its trace, in the 2-norm.
    error = (problem.n_examples + 8 + 2 * n + 8) * UNIT_ROUNDOFF * trace * (1 + 1e-9)
    least = 0.9 * float(np.linalg.eigvalsh(gram)[0])
    if not error < least < math.inf:
        return unknown
    try:
        np.linalg.cholesky((gram + gram.T) / 2 - least * np.eye(n))
    except np.linalg.LinAlgError:
        return unknown
    return least - 2 * error, torch.from_numpy(unit)
