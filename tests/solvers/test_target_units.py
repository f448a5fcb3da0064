"""Robust regression does not depend on the unit of the targets, nor on where they begin."""

import pytest
import torch

from linnet.data import Examples
from linnet.losses import AbsoluteError, Huber
from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty
from linnet.solvers.solve import solve


def examples(unit: float = 1.0, shift: float = 0.0) -> Examples:
    """Targets of few digits, so that a shift rounds nothing."""
    stream = torch.Generator().manual_seed(3)
    x = torch.randn(40, 3, generator=stream, dtype=torch.float64)
    y = x @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + torch.randn(40, generator=stream, dtype=torch.float64)
    y = torch.round(y * 2**16) / 2**16
    return Examples(x, (y * unit + shift)[:, None])


def in_unit(penalty: Penalty, unit: float) -> Penalty:
    """The same problem for absolute error of targets times `unit`: F becomes unit F."""
    absolute, squared = float(penalty.l1), float(penalty.l2) / unit
    total = absolute + squared
    return ElasticNet(total, absolute / total) if total else NoPenalty()


@pytest.mark.parametrize(
    ("penalty", "unit"),
    [(penalty, unit) for penalty in (NoPenalty(), L1(0.05), L2(0.1), ElasticNet(0.1)) for unit in (1e-8, 1e8)]
    + [(NoPenalty(), 1e-150), (NoPenalty(), 1e150), (L2(0.1), 1e150)],
)
def test_absolute_error_in_any_unit(penalty, unit):
    one = solve(examples(), AbsoluteError(), penalty, bias=True, tolerance=1e-12)
    found = solve(examples(unit), AbsoluteError(), in_unit(penalty, unit), bias=True, tolerance=1e-12 * unit)
    assert found.suboptimality_bound < 1e-12 * unit
    torch.testing.assert_close(found.weight / unit, one.weight, rtol=1e-11, atol=1e-13)
    torch.testing.assert_close(found.bias / unit, one.bias, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("penalty", [NoPenalty(), L1(0.05), L2(0.1), ElasticNet(0.1)], ids=repr)
@pytest.mark.parametrize("loss", [AbsoluteError(), Huber(0.5)], ids=repr)
def test_a_shift_of_the_targets_is_one_of_the_bias(loss, penalty):
    """Residuals near 1 of predictions near 2^35 have 18 bits; without the shift, weights had no more."""
    shift = 2.0**35
    one = solve(examples(), loss, penalty, bias=True, tolerance=1e-12)
    found = solve(examples(shift=shift), loss, penalty, bias=True, tolerance=1e-12)
    torch.testing.assert_close(found.weight, one.weight, rtol=1e-12, atol=1e-14)
    assert found.bias.item() == pytest.approx(shift + one.bias.item(), abs=shift * 2**-52)
    # The bias as a double is off by up to 2^-19, and F at most by that.
    assert found.lower <= one.objective + 1e-12
    assert one.objective - 1e-12 <= found.objective <= one.objective + 2**-18
    assert found.suboptimality_bound <= 2**-17


def test_large_targets_of_float32_are_shifted_in_their_own_precision():
    double = examples(shift=2.0**6)
    low = Examples(double.x.float(), double.y.float())
    one = solve(Examples(low.x.double(), low.y.double()), Huber(0.5), L2(0.1), bias=True, tolerance=1e-10)
    found = solve(low, Huber(0.5), L2(0.1), bias=True, tolerance=1e-10)
    torch.testing.assert_close(found.weight, one.weight, rtol=1e-9, atol=1e-9)
