"""NIST's certified problems from a table to `linnet inspect`, at the default settings."""

import numpy as np
import pytest
from answers import coefficients, inspected, least_squares, train_table
from nist import PROBLEMS, digits

PRINTED = 14
"""Digits that NIST's 15 allow to be compared."""
ROUNDINGS = 8
"""How often a number is rounded, on its way from the file to a coefficient, after it was read."""


@pytest.mark.parametrize("name", PROBLEMS)
def test_reaches_the_digits_that_float64_allows(workplace, name):
    problem = PROBLEMS[name]
    beta, _, change = least_squares(problem.x, problem.y, bias=problem.bias)
    allowed = -np.log10(float(max(change / abs(beta))) * ROUNDINGS)
    columns = {f"x{i}": column for i, column in enumerate(problem.x.T)} | {"y": problem.y}
    run = train_table(columns, "data.task=regression", f"model.bias={str(problem.bias).lower()}")
    found = coefficients(run)
    names = [*(["bias"] if problem.bias else []), *(f"x{i}" for i in range(problem.x.shape[1]))]
    computed = np.array([found[name] for name in names])
    # Rounded powers are another problem than NIST's; the reference is that of the file.
    right = np.array([float(value) for value in (np.roll(beta, 1) if problem.bias else beta)])
    assert digits(computed, right) >= min(PRINTED, allowed)
    assert digits(computed, problem.coefficients) >= min(PRINTED, allowed) - 0.5
    assert run.metrics["optimum/r2"] == pytest.approx(problem.r2, rel=1e-9)
    if problem.residual_std_error:
        errors = np.array([float(inspected(run)[name]["std_error"]) for name in names])
        assert digits(errors, problem.std_errors) >= min(11, allowed)


@pytest.mark.parametrize("name", ["NoInt1", "NoInt2"])
def test_a_model_without_bias_goes_through_the_origin(workplace, name):
    import linnet

    problem = PROBLEMS[name]
    run = train_table({"x0": problem.x[:, 0], "y": problem.y}, "data.task=regression", "model.bias=false")
    predictor = linnet.load(run.directory)
    assert predictor({"x0": [0.0]})[0] == 0
    assert float(predictor.bias[0]) == 0
