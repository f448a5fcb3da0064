"""A user's way from a table to coefficients: `linnet train`, then `linnet inspect`."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from decimal_problem import Numbers, exact, solve_linear
from numpy.typing import NDArray
from tables import write_csv

import linnet
from linnet.cli import main as cli
from linnet.results.trained import TrainedRun

EXACT = ("optimizer=exact", "data.val_fraction=0", "figures=false")
UNIT = 2.0**-53


def train_table(columns: Mapping[str, Sequence[Any]], *overrides: str) -> TrainedRun:
    """Train on the columns as a CSV file in the current directory, no rows held out; the target is y."""
    texts = {
        name: [value if isinstance(value, str) else repr(float(value)) for value in column]
        for name, column in columns.items()
    }
    path = write_csv(Path("table.csv"), texts)
    place = ["data=table", f"data.path={path}", "data.target=y", "data.test_fraction=0"]
    return linnet.train([*place, *EXACT, *overrides])


def inspected(run: TrainedRun) -> dict[str, dict[str, str]]:
    """Feature -> what `linnet inspect` says of it; of several classes those of the last."""
    path = run.directory / "coefficients.csv"
    assert cli.run(["inspect", str(run.directory), "--csv", str(path)]) == 0
    return {row["feature"]: row for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}


def coefficients(run: TrainedRun) -> dict[str, float]:
    return {name: float(row["coefficient"]) for name, row in inspected(run).items()}


def least_squares(
    x: NDArray[np.float64], y: NDArray[np.float64], *, bias: bool = True
) -> tuple[Numbers, Numbers, Numbers]:
    """Solve the normal equations in 100 digits; features `[N, D]`, targets `[N]`.

    Returns the coefficients, the bias last, their standard errors, and how far they may move, each by each and to
    first order, if every number of x and y changes by a relative 2⁻⁵³.

    Source: Björck, Component-wise perturbation analysis and error bounds for linear least squares solutions, BIT 31
    (1991).
    """
    a, b = exact(x), exact(y)
    if bias:
        a = np.column_stack([a, exact(np.ones(len(x)))])
    inverse = np.column_stack([solve_linear(a.T @ a, unit) for unit in exact(np.eye(a.shape[1]))])
    beta = inverse @ (a.T @ b)
    residual = b - a @ beta
    variance = (residual @ residual) / max(1, len(b) - a.shape[1])
    errors = np.array([(variance * value).sqrt() for value in np.diag(inverse)])
    changes = abs(inverse @ a.T) @ (abs(a) @ abs(beta) + abs(b)) + abs(inverse) @ (abs(a).T @ abs(residual))
    return beta, errors, changes * exact(np.array([UNIT]))[0]
