"""A certificate for a loose tolerance spares extended precision, and stays a bound."""

import pytest
import torch

from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers import rounding
from linnet.solvers.relative import Rows
from linnet.solvers.solve import solve


@pytest.mark.parametrize(("tolerance", "extended"), [(1e-6, False), (1e-12, True)])
def test_extended_precision_is_for_tight_tolerances(monkeypatch, tolerance, extended):
    made = []

    class Recorded(rounding.Sliced):
        def __init__(self, matrix):
            made.append(matrix.shape)
            super().__init__(matrix)

    monkeypatch.setattr(rounding, "Sliced", Recorded)
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(200, 5, generator=stream, dtype=torch.float64)
    rows = Rows(x, torch.randint(3, (200,), generator=stream))
    found = solve(rows, CrossEntropy(), L2(0.01), bias=True, tolerance=tolerance)
    assert bool(made) is extended
    best = solve(rows, CrossEntropy(), L2(0.01), bias=True, tolerance=1e-13)
    assert found.lower <= best.objective and best.lower <= found.objective
    assert found.suboptimality_bound <= tolerance
