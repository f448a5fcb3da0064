"""NIST's certified problems from a table to `linnet inspect`, at the default settings."""

import numpy as np
import pytest
from answers import coefficients, inspected, least_squares, train_table
from nist import PROBLEMS, digits

import linnet

PRINTED = 14
"""Digits to which NIST's 15 can be compared."""
ROUNDINGS = 8
"""Roundings of a number that was read, on its way to a standard error: mean, difference, product, …"""


@pytest.mark.parametrize("name", PROBLEMS)
def test_reaches_the_digits_that_float64_allows(workplace, name):
    problem = PROBLEMS[name]
    beta, errors, change = least_squares(problem.x, problem.y, bias=problem.bias)
    columns = {f"x{i}": column for i, column in enumerate(problem.x.T)} | {"y": problem.y}
    run = train_table(columns, "data.task=regression", f"model.bias={str(problem.bias).lower()}")
    found = coefficients(run)
    names = [*(["bias"] if problem.bias else []), *(f"x{i}" for i in range(problem.x.shape[1]))]
    computed = np.array([found[name] for name in names])
    # Powers rounded to float64 are another problem than NIST's, whose answer is not quite NIST's.
    right, right_errors = (
        np.array([float(value) for value in (np.roll(values, 1) if problem.bias else values)])
        for values in (beta, errors)
    )
    assert digits(computed, right) >= PRINTED
    assert digits(computed, problem.coefficients) >= min(PRINTED, digits(right, problem.coefficients)) - 0.1
    assert run.metrics["optimum/r2"] == pytest.approx(problem.r2, rel=1e-9)
    if problem.residual_std_error:
        # Standard errors come from a triangle of float64, without refinement.
        allowed = -np.log10(float(max(change / abs(beta))) * ROUNDINGS)
        assert digits(np.array([float(inspected(run)[name]["std_error"]) for name in names]), right_errors) >= allowed


@pytest.mark.parametrize("name", ["NoInt1", "NoInt2"])
def test_a_model_without_bias_goes_through_the_origin(workplace, name):
    problem = PROBLEMS[name]
    run = train_table({"x0": problem.x[:, 0], "y": problem.y}, "data.task=regression", "model.bias=false")
    predictor = linnet.load(run.directory).model
    assert predictor({"x0": [0.0]})[0] == 0
    assert float(predictor.bias[0]) == 0
