"""Features and targets far from 0: by default, to the digits that the numbers of the file allow."""

import numpy as np
import pytest
import torch
from answers import EXACT, UNIT, coefficients, inspected, least_squares, train_table
from numpy.typing import NDArray

import linnet
from linnet.cli import main as cli

ROUNDINGS = 32
"""Roundings of each number on its way from the file to a coefficient: mean, difference, deviation, product, …"""


def noise(n: int) -> NDArray[np.float64]:
    return np.random.default_rng(15).standard_normal(n)


def line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float]:
    """Slope, its standard error and R², exactly, rounded once."""
    beta, errors, _ = least_squares(x[:, None] - x[0], y - y[0])  # both differences are exact here
    residual = (y - y[0]) - (x - x[0]) * float(beta[0]) - float(beta[1])
    return float(beta[0]), float(errors[0]), 1 - float((residual**2).sum() / ((y - y.mean()) ** 2).sum())


X = np.linspace(0, 10, 50) + 1e9
CASES = {
    "a line at 1e9": (X, X - 1e9 - 5 + noise(50)),
    "unix seconds": (1.7e9 + np.arange(100.0), 0.1 * np.arange(100) + noise(100)),
    "targets near 1e9": (np.linspace(0, 10, 64), (1e9 + 3 * np.linspace(0, 10, 64) + noise(64)).round(6)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_a_line_far_from_the_origin(workplace, case, dtype):
    x, y = CASES[case]
    slope, error, r2 = line(x, y)
    run = train_table({"x": x, "y": y}, f"data.dtype={dtype}", "data.task=regression")
    row = inspected(run)["x"]
    # A slope of centred numbers has κ = 1; what is left are the roundings of the sums, and of y by its offset.
    tolerance = ROUNDINGS * UNIT * (1 + np.abs(y - y.mean()).max() / (abs(slope) * x.std()))
    assert float(row["coefficient"]) == pytest.approx(slope, rel=tolerance)
    assert float(row["std_error"]) == pytest.approx(error, rel=1e-11)
    assert run.metrics["train/r2"] == pytest.approx(r2, abs=1e-6)
    assert run.metrics["optimum/r2"] == pytest.approx(r2, abs=1e-11)


@pytest.mark.parametrize("case", CASES)
def test_arrays_give_the_same_line(workplace, case):
    x, y = CASES[case]
    np.save("x.npy", x[:, None])
    np.save("y.npy", y[:, None])
    arrays = ["data=arrays", "data.x=x.npy", "data.y=y.npy", "model=linear_regression", "loss=squared_error"]
    run = linnet.train([*arrays, *EXACT])
    assert coefficients(run)["x0"] == pytest.approx(line(x, y)[0], rel=1e-12)
    assert run.metrics["train/r2"] == pytest.approx(line(x, y)[2], abs=1e-6)


def test_exact_weights_are_kept_and_predicted_with_in_float64(workplace):
    x, y = CASES["a line at 1e9"]
    run = train_table({"x": x, "y": y})
    slope = line(x, y)[0]
    predicted = linnet.load(run.directory)({"x": x})
    # The prediction of a least squares line at the mean of x is the mean of y; the bias, near −1e9, rounds at 1e-7.
    np.testing.assert_allclose(predicted, y.mean() + slope * (x - x.mean()), rtol=0, atol=8 * UNIT * 1e9)


def test_a_narrow_column_is_not_constant(workplace):
    x = 1e15 + np.arange(40.0) % 8  # 56 ulp wide
    y = np.arange(40) % 8 + 0.1 * noise(40)
    assert coefficients(train_table({"x": x, "y": y}))["x"] == pytest.approx(line(x, y)[0], rel=1e-12)


def test_a_constant_column_is_named(workplace, capsys):
    x = np.full(30, 0.1)
    x[::3] = np.nextafter(0.1, 1)  # 1 ulp wide
    run = train_table({"x": x, "z": noise(30), "y": np.arange(30.0)}, "data.task=regression")
    assert "column x is always 0.1" in capsys.readouterr().out
    assert coefficients(run).get("x", 0.0) == 0


def test_exact_weights_are_float64_in_the_run(workplace):
    from safetensors.torch import load_file

    x, y = CASES["unix seconds"]
    run = train_table({"x": x, "y": y})
    assert load_file(run.directory / "weights.safetensors")["weight"].dtype == torch.float64


def test_a_prediction_on_the_command_line(workplace):
    x, y = CASES["unix seconds"]
    run = train_table({"x": x, "y": y})
    assert cli.run(["predict", str(run.directory), "--input", "table.csv", "--output", "p.csv"]) == 0
    predicted = np.genfromtxt("p.csv", delimiter=",", skip_header=1).reshape(100, -1)[:, 0]
    slope = line(x, y)[0]
    np.testing.assert_allclose(predicted, y.mean() + slope * (x - x.mean()), rtol=0, atol=8 * UNIT * 1.7e9 * slope)
