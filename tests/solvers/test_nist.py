"""NIST's certified problems, solved as they are given."""

import numpy as np
import pytest
from nist import PROBLEMS, digits

from linnet.solvers.inference import inference
from linnet.solvers.least_squares.least_squares import least_squares

# Digits of the worst coefficient. Rounding the powers of x to float64 leaves Filip 7.6 digits, give or take;
# rounding the decimals of y leaves Wampler2 13.2 and Pontius 13.6.
DIGITS = {"Filip": 7.0, "Wampler2": 13.0, "Pontius": 13.0}


@pytest.mark.parametrize("name", PROBLEMS)
class TestCertified:
    def test_coefficients(self, name: str):
        problem = PROBLEMS[name]
        fit = least_squares(problem.x, problem.y, bias=problem.bias)
        assert fit.unique
        computed = fit.weight[0] if fit.bias is None else np.append(fit.bias, fit.weight[0])
        assert digits(computed, problem.coefficients) >= DIGITS.get(name, 14)

    def test_inference(self, name: str):
        problem = PROBLEMS[name]
        result = inference(least_squares(problem.x, problem.y, bias=problem.bias))
        np.testing.assert_allclose(result.r2, [problem.r2], rtol=1e-11 if name == "Filip" else 2e-13)
        if problem.residual_std_error == 0:
            assert result.residual_std_error < 1e-14
            return
        wanted = 7 if name == "Filip" else 11
        assert digits(result.std_errors[0], problem.std_errors) >= wanted
        assert digits(result.residual_std_error, np.array([problem.residual_std_error])) >= wanted


def test_numpy_gets_no_digit_of_filip_where_this_gets_what_the_data_allow():
    problem = PROBLEMS["Filip"]
    design = np.insert(problem.x, 0, 1, axis=1)
    assert digits(np.linalg.lstsq(design, problem.y, rcond=None)[0], problem.coefficients) < 1
    assert least_squares(problem.x, problem.y).condition == pytest.approx(1.77e15, rel=0.01)
