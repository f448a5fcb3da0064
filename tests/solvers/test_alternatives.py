"""A direction of recession or none: checked in rational arithmetic, and by another library's linear programme."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from scipy.optimize import linprog

from linnet.losses import CrossEntropy, PoissonNLL
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.exact_arithmetic.integer_margins import WholeRows
from linnet.solvers.exact_arithmetic.separation import recession
from linnet.solvers.problem import Problem


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300), min_size=1))
def test_floats_are_whole_numbers_over_powers_of_two(numbers):
    rows = WholeRows(np.array(numbers)[:, None])
    unit = Fraction(2) ** int(rows.exponent[0])
    assert [int(whole) * unit for whole in rows.whole[:, 0]] == [Fraction(number) for number in numbers]


@settings(max_examples=60, deadline=None)
@example(seed=6, n_classes=4, bias=True, scale=1.0)  # two directions in turn, of which one undid the other
@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 4), bias=st.booleans(), scale=st.sampled_from([1.0, 1e-9]))
def test_softmax_direction_grows_what_it_says(seed, n_classes, bias, scale):
    stream = torch.Generator().manual_seed(seed)
    x = torch.randint(-2, 3, (9, 2), generator=stream).double() * torch.tensor([1.0, scale])
    y = torch.randint(0, n_classes, (9,), generator=stream)
    problem = Problem(x, y, convex_loss_of(CrossEntropy()), n_classes, 0.0, 0.0, bias)
    found = recession(problem)
    design = (problem.design() / torch.tensor([1.0, scale, 1.0])[: 2 + bias]).numpy()
    margins = np.array([
        np.kron((np.arange(n_classes) == y[i].item()) * 1 - (np.arange(n_classes) == c), design[i])
        for i in range(9) for c in range(n_classes) if c != y[i]
    ])  # fmt: skip
    most = linprog(-margins.sum(0), A_ub=-margins, b_ub=np.zeros(len(margins)), bounds=(-1, 1))
    assert (found is not None) == (-most.fun > 1e-9)


@pytest.mark.parametrize(("x", "y", "grows"), [
    ([1, 1, 1 + 2.0**-52, 3], [2, 5, 0, 0], [False, False, True, True]),  # all counts at 1, zeros above it
    ([1, 1, 1 - 2.0**-53, 3], [2, 5, 0, 0], None),  # a zero on the other side, by the least that there is
    ([1, 1 + 2.0**-52, 2, 3], [2, 5, 0, 0], None),  # counts at two places
    ([0, 0, 1e-300, 1e300], [2, 5, 0, 0], [False, False, True, True]),
])  # fmt: skip
def test_poisson(x, y, grows):
    column = torch.tensor(x, dtype=torch.float64)[:, None]
    counts = torch.tensor(y, dtype=torch.float64)[:, None]
    found = recession(Problem(column, counts, convex_loss_of(PoissonNLL()), 1, 0.0, 0.0, True))
    assert (None if found is None else found.grows[0].tolist()) == grows
