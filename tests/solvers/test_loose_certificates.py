"""A certificate for a loose tolerance spares extended precision, and stays a bound."""

from fractions import Fraction

import pytest
import torch

from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers import rounding
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.problem import Problem
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


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_predictions_without_a_second_pass_are_known_to_their_errors(scale):
    stream = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(n, 7, generator=stream, dtype=torch.float64) * scale for n in (50, 3))
    bias, other = torch.randn(2, 3, generator=stream, dtype=torch.float64) * scale**2
    problem = Problem(x, torch.zeros(50, dtype=torch.int64), convex_loss_of(CrossEntropy()), 3, 0.0, 0.1, True)
    known = rounding.Predicted(problem.predict(weight, other), other)
    exact = [
        [sum((Fraction(a) * Fraction(b) for a, b in zip(w, row, strict=True)), Fraction(c)) for row in x.tolist()]
        for w, c in zip(weight.tolist(), bias.tolist(), strict=True)
    ]
    for given in (None, known):
        z, error = rounding.predictions(problem, weight, bias, 1e-6 * scale**2, given)
        wrong = [
            [float(abs(Fraction(a) - b)) for a, b in zip(*pair, strict=True)]
            for pair in zip(z.tolist(), exact, strict=True)
        ]
        assert (torch.tensor(wrong, dtype=torch.float64) <= error).all()
        assert float(error.max()) < 1e-11 * scale**2
        assert given is None or not torch.equal(z, known.z)


def test_pair_of_opposite_weights_is_predicted_as_its_parts(draw):
    problem = Problem(draw(CrossEntropy()).x, torch.zeros(60), convex_loss_of(CrossEntropy()), 2, 0.0, 0.1, True)
    one, bias = torch.randn(1, 4, dtype=torch.float64), torch.randn(1, dtype=torch.float64)
    z = problem.predict(torch.cat([-one, one]), torch.cat([-bias, bias]))
    torch.testing.assert_close(z, torch.cat([-one, one]) @ problem.x.T + torch.cat([-bias, bias])[:, None])
    torch.testing.assert_close(problem.transpose(z), z @ problem.x / 60)
    shifted = problem.predict(torch.cat([-one, one]), torch.cat([bias, bias]))
    torch.testing.assert_close(shifted, torch.cat([-one, one]) @ problem.x.T + bias)


@pytest.mark.parametrize("enough", [0.0, 1e-9])
def test_mean_is_within_its_error(enough):
    stream = torch.Generator().manual_seed(0)
    for n in (1, 3, 1000):
        values = torch.randn(n, generator=stream, dtype=torch.float64) * torch.logspace(-9, 9, n, dtype=torch.float64)
        exact = sum(map(Fraction, values.tolist())) / n
        value, error = rounding.mean(values, enough * float(values.abs().max()))
        assert abs(Fraction(value) - exact) <= Fraction(error)
        assert Fraction(rounding.upper_mean(values.abs())) >= sum(abs(Fraction(v)) for v in values.tolist()) / n
