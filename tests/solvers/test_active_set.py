"""Absolute penalties that float64 cannot tell from rounding errors, against a reference in 100 digits."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from judged import judge_solver
from random_problems import Drawn, draw

from linnet.data import Examples
from linnet.losses import Huber, SquaredError
from linnet.penalties import L1, ElasticNet
from linnet.solvers.l1 import extended_solution
from linnet.solvers.l1.extended_sums import Pieces, lowest_point
from linnet.solvers.solve import solve


@pytest.mark.parametrize(
    "number",
    [
        484,  # Gaussian noise: penalty below the rounding of Xᵀy, and κ² beyond float64
        707, 2612, 8604,  # columns that differ by rounding alone: of five only four are used
        1324, 6251,  # columns nearly dependent, all used
        863,  # Huber, elastic net: a bias so large that residuals lose the penalty
        345, 3985,  # Huber: width 1 for residuals of 1e12
        4910, 8858,  # absolute error: two columns alike but for their last bits
    ],
)  # fmt: skip
def test_coefficients_are_right(number):
    found = judge_solver(draw(number))
    assert found.verdict == "right", found.detail
    assert "active set in extended precision" in found.detail


def nearly_dependent(loss: str, penalty: str, seed: int) -> Drawn:
    """Six columns of rank three but for rounding, targets of size 1e10, a penalty that is small beside them."""
    stream = np.random.default_rng(seed)
    base = stream.normal(size=(12, 3))
    x = np.column_stack([base, base @ stream.normal(size=(3, 3))])
    y = 1e10 * (x.sum(1) + stream.normal(size=12))
    return Drawn(seed, x, y, None, loss, penalty, 1e-3, "made by hand")


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
@pytest.mark.parametrize("penalty", ["l1", "elastic_net"])
@pytest.mark.parametrize("seed", range(3))
def test_dependent_columns_and_large_targets(loss, penalty, seed):
    found = judge_solver(nearly_dependent(loss, penalty, seed))
    assert found.verdict == "right", found.detail


@pytest.mark.parametrize("loss", [SquaredError(), Huber(1.0)])
@pytest.mark.parametrize("bias", [True, False])
def test_units_of_targets_change_nothing(loss, bias):
    """With Huber's δ, targets and penalty in a unit of 2^40, weights are so as well: what is hidden was found."""
    stream = np.random.default_rng(3)
    base = stream.normal(size=(40, 3))
    x = torch.from_numpy(np.column_stack([base, base @ np.ones(3) + 1e-7 * stream.normal(size=40)]))
    y = torch.from_numpy(base @ np.array([1.0, -2.0, 3.0]) + stream.normal(size=40))[:, None]
    y = torch.cat([y, y.flip(0)], 1)
    unit = 2.0**40
    large = Huber(loss.delta * unit) if isinstance(loss, Huber) else loss
    strength = 1e-3
    small = solve(Examples(x, y), loss, L1(strength), bias=bias, tolerance=1e-13)
    big = solve(Examples(x, y * unit), large, L1(strength * unit), bias=bias, tolerance=1e-13 * unit**2)
    torch.testing.assert_close(big.weight / unit, small.weight, rtol=1e-9, atol=0)
    assert small.attained and big.attained


def test_a_problem_too_large_says_that_its_weights_are_in_doubt(monkeypatch):
    monkeypatch.setattr(extended_solution, "is_small", lambda problem: False)
    made = nearly_dependent("squared_error", "l1", 0)
    examples = Examples(torch.from_numpy(made.x), torch.from_numpy(made.y)[:, None])
    found = solve(
        examples, SquaredError(), L1(made.strength), bias=True, tolerance=1e-12 * float(examples.y.square().mean())
    )
    assert extended_solution.UNRESOLVED in found.certificate
    assert not found.unique


def test_an_ordinary_problem_is_left_alone():
    stream = np.random.default_rng(0)
    x = torch.from_numpy(stream.normal(size=(100, 8)))
    y = x.sum(1, keepdim=True) + torch.from_numpy(stream.normal(size=(100, 1)))
    for loss in (SquaredError(), Huber(1.0)):
        found = solve(Examples(x, y), loss, ElasticNet(0.01, 0.5), bias=True, tolerance=1e-8)
        assert "extended" not in found.method
        assert extended_solution.UNRESOLVED not in found.certificate


def pieces(**changes: object) -> Pieces:
    """One example of curvature 1 everywhere, and one weight that meets no kink."""
    one = np.ones(1)
    made = Pieces(first=0 * one, last=math.inf * one, curvature=one, kinks=math.inf * one, jumps=one, bend=0.0)
    return made._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "descent", "lowest"),
    [
        ({}, 1.0, 1.0),
        ({"kinks": np.array([0.5])}, 1.0, 0.5),  # slope −½ before, ½ after
        ({"kinks": np.array([0.5]), "jumps": np.array([0.2])}, 1.0, 0.8),
        ({"kinks": np.array([0.0]), "jumps": np.array([2.0])}, 1.0, 0.0),
        ({"first": np.array([3.0]), "last": np.array([9.0]), "kinks": np.array([0.1]), "jumps": np.zeros(1)}, 2.0, 5.0),
        ({"last": np.array([0.5]), "bend": 0.25}, 1.0, 2.0),
    ],
)  # fmt: skip
def test_lowest_point_by_hand(changes, descent, lowest):
    share, kinks = lowest_point(descent, pieces(**changes))
    assert share == pytest.approx(lowest, abs=1e-15)
    assert list(kinks) == ([0] if changes.get("kinks") is not None and lowest == 0.5 else [])


def test_weights_of_examples_count_as_copies():
    made = nearly_dependent("squared_error", "l1", 5)
    copies = np.array([1, 2, 3] * 4)
    weighted = judge_solver(replace(made, weight=copies.astype(float)))
    assert weighted.verdict == "right", weighted.detail
