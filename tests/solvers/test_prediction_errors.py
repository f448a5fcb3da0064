"""Prediction intervals of least squares against statsmodels, against decimal arithmetic, and by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm
from mpmath import matrix, mp, mpf
from sklearn.datasets import load_diabetes

from linnet.solvers.inference import prediction_errors
from linnet.solvers.least_squares.least_squares import LeastSquares, least_squares
from linnet.solvers.prediction_errors import PredictionErrors


def errors_of(x: np.ndarray, y: np.ndarray, *, bias: bool = True) -> tuple[LeastSquares, PredictionErrors]:
    fit = least_squares(x, y, bias=bias)
    return fit, prediction_errors(fit, x.mean(axis=0))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("bias", [True, False])
def test_agree_with_statsmodels(bias, confidence):
    x, y = load_diabetes(return_X_y=True, scaled=False)
    targets, new = np.column_stack([y, np.log(y)]), x[:20] * np.linspace(0.1, 3, 20)[:, None]
    fit, errors = errors_of(x, targets, bias=bias)
    predicted = new @ fit.weight.T + (0 if fit.bias is None else fit.bias)
    for c in range(2):
        rows, of = (sm.add_constant(new, has_constant="add"), sm.add_constant(x)) if bias else (new, x)
        theirs = sm.OLS(targets[:, c], of).fit().get_prediction(rows).summary_frame(1 - confidence)
        margin = errors.margin(new, confidence)[:, c]
        np.testing.assert_allclose(predicted[:, c] - margin, theirs["obs_ci_lower"], rtol=1e-8)
        np.testing.assert_allclose(predicted[:, c] + margin, theirs["obs_ci_upper"], rtol=1e-8)


def test_leverage_keeps_its_digits_far_from_zero():
    """Of features 1e8 ± 1, whose deviations from the mean are known to 1e-8, in 40 decimal digits."""
    rng = np.random.default_rng(0)
    x = 1e8 + rng.standard_normal((20, 2))
    new = x.mean(axis=0) + np.array([[0.5, -2.0], [3.0, 1.0]])
    _, errors = errors_of(x, rng.standard_normal(20))
    with mp.workdps(40):
        design = matrix([[1, *map(mpf, row)] for row in x.tolist()])
        inverse = (design.T * design) ** -1
        rows = [matrix([[1, *map(mpf, row)]]) for row in new.tolist()]
        exact = [float((row * inverse * row.T)[0]) for row in rows]
    np.testing.assert_allclose(errors.leverage(new), exact, rtol=1e-7)


def test_leverage_of_the_training_rows_sums_to_the_number_of_coefficients():
    x, y = load_diabetes(return_X_y=True)
    for bias in (True, False):
        leverage = errors_of(x, y, bias=bias)[1].leverage(x)
        assert leverage.sum() == pytest.approx(10 + bias, rel=1e-10)


def test_of_a_row_does_not_depend_on_the_others():
    x, y = load_diabetes(return_X_y=True)
    errors = errors_of(x, y)[1]
    assert np.array_equal(errors.leverage(x), np.concatenate([errors.leverage(row[None]) for row in x]))


def test_intervals_hold_new_targets_as_often_as_they_say():
    rng = np.random.default_rng(1)
    n_repeats = 4000
    x, new = rng.standard_normal((15, 2)), np.array([[2.0, -1.0]])
    y = (x @ [1.0, -2.0] + 3)[:, None] + rng.standard_normal((15, n_repeats))
    fit, errors = errors_of(x, y)
    assert fit.bias is not None
    predicted = (new @ fit.weight.T + fit.bias)[0]
    drawn = 3 + (new @ [1.0, -2.0])[0] + rng.standard_normal(n_repeats)
    covered = np.abs(drawn - predicted) <= errors.margin(new, 0.9)[0]
    assert covered.mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / n_repeats))
