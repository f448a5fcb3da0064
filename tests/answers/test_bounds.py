"""Proven bounds hold for the exact objective: its minimum in 60 digits is never below objective − bound."""

import os

import mpmath
import pytest
import torch
from high_precision import DIGITS, Objective

from linnet.data import Examples
from linnet.losses import CrossEntropy, GaussianNLL, Huber, Loss, PoissonNLL, SquaredError
from linnet.penalties import L1, L2, ElasticNet, NoPenalty
from linnet.solvers.solve import solve

LOSSES: list[Loss] = [CrossEntropy(), CrossEntropy(0.1), SquaredError(), Huber(0.7), PoissonNLL(), GaussianNLL(0.3)]
PENALTIES = [NoPenalty(), L1(0.01), L2(0.01), ElasticNet(0.01)]
CASES = int(os.environ.get("LINNET_CASES", "48"))


def draw(seed: int) -> tuple[Loss, object, Examples, bool]:
    """A loss and a penalty by turns; offsets to 1e9, scales over four decades, weights over six, all at random."""
    stream = torch.Generator().manual_seed(seed)
    loss, penalty = LOSSES[seed % 6], PENALTIES[seed // 6 % 4]
    n, d = int(torch.randint(12, 25, (), generator=stream)), int(torch.randint(1, 4, (), generator=stream))
    x = torch.randn(n, d, generator=stream, dtype=torch.float64)
    z = x @ torch.randn(d, 2, generator=stream, dtype=torch.float64) * 0.5
    if loss.task == "classification":
        y = (z[:, 0] + 2 * torch.randn(n, generator=stream, dtype=torch.float64) > 0).long()
        y[:4] = torch.tensor([0, 1, 0, 1])
        x[1] = x[0] + 0.1
        x[3] = x[2] - 0.1
    elif isinstance(loss, PoissonNLL):
        y = torch.poisson(z[:, :1].exp(), generator=stream) + (torch.arange(n) < d + 2)[:, None]
    else:
        y = z[:, :1] + torch.randn(n, 1, generator=stream, dtype=torch.float64)
    x = x * 10 ** torch.randint(-2, 3, (d,), generator=stream).double()
    x += 10 ** torch.randint(0, 4, (d,), generator=stream).double()
    weight = None
    if seed % 5 == 0:
        weight = 10 ** (6 * torch.rand(n, generator=stream, dtype=torch.float64) - 3)
    return loss, penalty, Examples(x, y, weight), seed % 7 != 0


@pytest.mark.parametrize("seed", range(CASES))
def test_no_objective_is_below_the_bound(seed):
    loss, penalty, examples, bias = draw(seed)
    found = solve(examples, loss, penalty, bias=bias)
    if not found.attained:
        pytest.skip("separable")
    with mpmath.workdps(DIGITS):
        objective = Objective(loss, examples.x, examples.y, examples.weight, float(penalty.l1), float(penalty.l2), bias)
        here = [
            [*map(mpmath.mpf, row), mpmath.mpf(b)]
            for row, b in zip(found.weight.tolist(), found.bias.tolist(), strict=True)
        ]
        value = objective.value(here)
        best = objective.value(objective.polished(here))
        assert found.objective - found.suboptimality_bound <= best
        assert value - best <= found.suboptimality_bound
        assert abs(value - found.objective) <= found.suboptimality_bound
        assert best <= value
