"""Exact rank of columns, against rational elimination; and bounds where it differs from the numerical one."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings, strategies as st

from linnet.data import Examples
from linnet.losses import AbsoluteError, CrossEntropy, Huber, PoissonNLL
from linnet.penalties import NoPenalty
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.exact_arithmetic.dependencies import depend_exactly
from linnet.solvers.problem import Problem
from linnet.solvers.row_space import row_space
from linnet.solvers.solve import solve


def exact_rank(design: torch.Tensor) -> int:
    """By Gaussian elimination in rational arithmetic."""
    rows, rank = [[Fraction(number) for number in row] for row in design.tolist()], 0
    for column in range(design.shape[1]):
        pivot = next((row for row in rows[rank:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows = [
            row if k < rank else [a - row[column] / pivot[column] * b for a, b in zip(row, pivot, strict=True)]
            for k, row in enumerate(rows)
        ]
        rows.insert(rank, pivot)
        rank += 1
    return rank


def problem_of(x: torch.Tensor, bias: bool) -> Problem:
    return Problem(x, torch.zeros(len(x), 1, dtype=torch.float64), convex_loss_of(Huber()), 1, 0.0, 0.0, bias)


@settings(max_examples=80)
@given(seed=st.integers(0, 10_000), bias=st.booleans(), last=st.sampled_from(["sum", "double", "rounded", "zero"]))
def test_a_row_space_is_complete_where_the_rank_is_exact(seed, bias, last):
    stream = torch.Generator().manual_seed(seed)
    x = torch.randint(-2, 3, (12, 3), generator=stream).double()
    kinds = {"sum": x[:, 0] + 3 * x[:, 1], "double": x[:, 1], "zero": 0 * x[:, 0],
             "rounded": x[:, 0] / 3 + x[:, 1] / 7 + x[:, 2] / 11}  # fmt: skip
    x = torch.cat([x, kinds[last][:, None]], 1)
    problem = problem_of(x, bias)
    rank = exact_rank(problem.design())
    found = row_space(problem)
    assert found.complete == (found.back.shape[1] == rank)
    assert depend_exactly(problem, rank)
    assert not depend_exactly(problem, rank - 1)


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.1), PoissonNLL(), Huber(), AbsoluteError()], ids=repr)
def test_a_bound_holds_for_columns_that_differ_by_rounding(loss):
    """A column that is another but for its last bits is a feature of its own, with a weight of 1e15 or so."""
    stream = torch.Generator().manual_seed(1)
    x = 1 + torch.rand(30, 1, generator=stream, dtype=torch.float64)
    bits = torch.randint(0, 2, (30, 1), generator=stream).double()
    y = torch.poisson(1 + 2 * bits, generator=stream)
    if loss.task == "classification":
        y = (torch.rand(30, generator=stream) < 0.3 + 0.4 * bits[:, 0]).long()
    found = solve(Examples(torch.cat([x, x + 2.0**-52 * bits], 1), y), loss, NoPenalty(), bias=True, tolerance=1e-12)
    best = solve(Examples(torch.cat([x, bits], 1), y), loss, NoPenalty(), bias=True, tolerance=1e-12)
    assert best.suboptimality_bound < 1e-9
    assert found.lower <= best.objective
    assert best.lower < found.objective - 1e-3


@pytest.mark.parametrize("loss", [CrossEntropy(), PoissonNLL(), Huber()], ids=repr)
def test_features_that_are_rounded_have_dependent_columns(loss):
    """Degrees Fahrenheit from degrees Celsius: equal coefficients per standard deviation, and a bound that is small."""
    stream = torch.Generator().manual_seed(1)
    celsius = 15 + 11 * torch.rand(40, 1, generator=stream, dtype=torch.float64)
    x = torch.cat([celsius, 1.8 * celsius + 32], 1)
    origin = x.mean(0) / x.std(0)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.poisson((0.5 * x[:, :1]).exp(), generator=stream)
    y = (y[:, 0] > 0).long() if loss.task == "classification" else y
    found = solve(Examples(x, y), loss, NoPenalty(), bias=True, tolerance=1e-12, origin=origin)
    simple = solve(Examples(x[:, :1], y), loss, NoPenalty(), bias=True, tolerance=1e-12)
    assert found.suboptimality_bound < 1e-12
    assert "count as dependent" in found.certificate
    torch.testing.assert_close(found.weight, simple.weight.expand(-1, 2) / 2, rtol=1e-9, atol=0)
    assert found.objective == pytest.approx(simple.objective, rel=1e-12)
