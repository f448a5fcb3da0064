"""Two classes as one logistic column: bounds hold against Newton's method in long double, whatever the data."""

import numpy as np
import pytest
import torch

from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.convex_losses import Softmax
from linnet.solvers.newton.kronecker import Kronecker
from linnet.solvers.newton.staged import Staged
from linnet.solvers.problem import Problem
from linnet.solvers.relative import Rows
from linnet.solvers.solve import solve
from linnet.solvers.two_classes import as_logistic

L2_STRENGTH = 1e-3
SMALL, LARGE = (400, 6), (12_000, 100)
"""Below the sizes from which on float32 and quasi-Newton steps serve, and above them."""


def rows(kind: str, shape: tuple[int, int]) -> Rows:
    """Examples of two overlapping classes, 0 and 1."""
    rng = np.random.default_rng(0)
    n_examples, n_features = shape
    y = (rng.random(n_examples) < 0.3).astype(np.int64)
    x = rng.normal(size=shape) + y[:, None] * rng.normal(size=n_features) * 3 / np.sqrt(n_features)
    weight = None
    match kind:
        case "offset":
            x += 30
        case "scales":
            x *= 10.0 ** rng.integers(-2, 3, n_features)
        case "collinear":
            x[:, 1::2] = x[:, ::2]
        case "separable":
            x[:, 0] = 8 * y - 4
        case "weighted":
            weight = torch.from_numpy(rng.random(n_examples) + 0.01)
    return Rows(torch.from_numpy(x), torch.from_numpy(y), weight)


def least(given: Rows, weight: torch.Tensor, bias: torch.Tensor, smoothing: float) -> float:
    """Newton's method on v and c in long double from near the minimum; Hessians, which only lead there, in float64."""
    design = np.column_stack([given.x.numpy(), np.ones(len(given.x))])
    exact, sign = design.astype(np.longdouble), 2 * given.y.numpy().astype(np.longdouble) - 1
    share = np.ones(len(sign)) if given.weight is None else given.weight.numpy()
    share = share.astype(np.longdouble) / share.astype(np.longdouble).sum()
    l2 = np.full(design.shape[1], np.longdouble(L2_STRENGTH) / 2)  # of ‖W‖² = ½‖v‖²
    l2[-1] = 0
    at = torch.cat([weight[1] - weight[0], bias[1:] - bias[:1]]).numpy().astype(np.longdouble)
    best = np.longdouble(np.inf)
    for _ in range(8):
        margin = sign * (exact @ at)
        tail = np.exp(-np.abs(margin))
        loss = np.maximum(-margin, 0) + np.log1p(tail) + smoothing / 2 * margin
        value = share @ loss + (l2 * at * at).sum() / 2
        if not value < best:
            break
        best = value
        wrong = np.where(margin > 0, tail, 1) / (1 + tail)
        gradient = exact.T @ (share * sign * (smoothing / 2 - wrong)) + l2 * at
        bend = (share * wrong * (1 - wrong)).astype(np.float64)
        hessian = design.T @ (bend[:, None] * design) + np.diag(l2.astype(np.float64))
        at = at - np.linalg.lstsq(hessian, gradient.astype(np.float64), rcond=1e-15)[0]
    return float(best)


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=str)
@pytest.mark.parametrize("kind", ["plain", "offset", "scales", "collinear", "separable", "weighted"])
def test_bound_holds_against_long_double(kind, shape):
    given = rows(kind, shape)
    for tolerance, smoothing in ((1e-4, 0.0), (1e-7, 0.1)):
        loss = CrossEntropy(smoothing)
        found = solve(given, loss, L2(L2_STRENGTH), bias=True, tolerance=tolerance)
        best = least(given, found.weight, found.bias, smoothing)
        assert found.lower <= best <= found.objective + 1e-15
        assert found.suboptimality_bound <= tolerance
        assert torch.equal(found.weight[0], -found.weight[1])


def test_bias_off_its_place_counts_in_the_bound():
    """Predictions are handed to the certificate together with the bias that they belong to."""
    given = rows("offset", LARGE)
    found = solve(given, CrossEntropy(), L2(L2_STRENGTH), bias=True, tolerance=1e-6)
    z = given.x @ found.weight.T + found.bias
    loss = float(torch.nn.functional.cross_entropy(z, given.y))
    penalty = L2_STRENGTH / 2 * float(found.weight.square().sum())
    assert found.objective == pytest.approx(loss + penalty, rel=1e-11)


def test_large_problem_has_quasi_newton_steps_and_a_tight_tolerance_the_last_digits():
    given = rows("plain", LARGE)
    problem = Problem(given.x, given.y, Softmax(CrossEntropy(), 0.0), 2, 0.0, L2_STRENGTH, True)
    assert isinstance(Staged(as_logistic(problem), torch.float32).inverse, Kronecker)
    loose, tight = (solve(given, CrossEntropy(), L2(L2_STRENGTH), bias=True, tolerance=t) for t in (1e-6, 1e-11))
    assert tight.suboptimality_bound <= 1e-11 and tight.lower <= loose.objective and loose.lower <= tight.objective
    # Strong convexity: ‖W − W*‖² ≤ 2 (F − F*) / l2.
    assert float((loose.weight - tight.weight).norm()) <= (2 * loose.suboptimality_bound / L2_STRENGTH) ** 0.5
    assert loose.iterations <= 15


def test_no_bias():
    given = rows("plain", LARGE)
    found = solve(given, CrossEntropy(), L2(L2_STRENGTH), bias=False, tolerance=1e-7)
    assert found.suboptimality_bound <= 1e-7 and not found.bias.any()
