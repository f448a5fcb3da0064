"""Least squares on other people's data, through the command line: collinear columns, errors, the origin."""

import csv
import json
import math
import re
from fractions import Fraction

import numpy as np
import pytest

from linnet.cli import main as cli


def write(path, columns: dict) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*(map(str, c.tolist()) for c in map(np.asarray, columns.values())), strict=True))


def solved(workplace, columns: dict, *options: str, capsys=None):
    """Coefficients of the file's columns as `linnet inspect` lists them, their errors, metrics and what was printed."""
    write(workplace / "t.csv", columns)
    target = list(columns)[-1]
    command = ["train", "data=table", "data.path=t.csv", f"data.target={target}", "optimizer=exact"]
    parts = ["data.val_fraction=0", "data.test_fraction=0", "figures=false", "hydra.run.dir=run"]
    assert cli.run([*command, *parts, *options]) == 0
    assert cli.run(["inspect", "run", "--csv", "c.csv"]) == 0
    with (workplace / "c.csv").open() as file:
        table = {row["feature"]: row for row in csv.DictReader(file)}
    printed = "" if capsys is None else " ".join(capsys.readouterr().out.split())
    metrics = json.loads((workplace / "run" / "metrics.json").read_text())
    coefficients = {name: float(row["coefficient"]) for name, row in table.items()}
    errors = {name: float(row["std_error"]) for name, row in table.items() if row["std_error"]}
    return coefficients, errors, metrics, printed


NOISE = np.random.default_rng(5).standard_normal(12)


class TestCollinearColumns:
    """The least norm in units of one standard deviation shares a slope equally; no error can be stated."""

    CELSIUS = np.arange(15.0, 27.0)
    SALES = 10 + 0.5 * CELSIUS + NOISE
    SLOPE = float(np.polyfit(CELSIUS - 20, SALES, 1)[0])

    @pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
    def test_temperatures_in_two_units(self, workplace, capsys, offset):
        celsius = self.CELSIUS + offset
        columns = {"temp_c": celsius, "temp_f": 1.8 * celsius + 32, "sales": self.SALES}
        found, errors, metrics, printed = solved(workplace, columns, capsys=capsys)
        # Numbers of size 1e9 are known to 1e-7, of which the slope's relative error is the share of their spread.
        accuracy = 1e-12 + 2.0**-52 * offset
        assert found["temp_c"] * celsius.std() == pytest.approx(self.SLOPE / 2 * celsius.std(), rel=accuracy)
        assert found["temp_f"] * 1.8 == pytest.approx(self.SLOPE / 2, rel=accuracy)
        assert errors == {}
        assert "rank 2 of 3): temp_c, temp_f" in printed
        residual = self.SALES - np.polyval(np.polyfit(self.CELSIUS - 20, self.SALES, 1), self.CELSIUS - 20)
        assert metrics["optimum/loss"] == pytest.approx(np.mean(residual**2) / 2, rel=1e-10 + accuracy)

    def test_a_column_twice_and_one_that_has_no_part_in_it(self, workplace, capsys):
        other = np.cos(np.arange(12.0))
        columns = {"a": self.CELSIUS, "other": other, "copy": self.CELSIUS, "y": self.SALES + other}
        found, errors, _, printed = solved(workplace, columns, capsys=capsys)
        design = np.column_stack([np.ones(12), self.CELSIUS - 20, other])
        expected = np.linalg.lstsq(design, columns["y"], rcond=None)[0]
        assert found["a"] == pytest.approx(expected[1] / 2, rel=1e-12)
        assert found["copy"] == pytest.approx(expected[1] / 2, rel=1e-12)
        assert found["other"] == pytest.approx(expected[2], rel=1e-11)
        assert errors == {}
        assert re.search(r"rank 3 of 4\): a, copy(?!,)", printed)

    def test_levels_of_a_category_beside_a_bias(self, workplace, capsys):
        levels, slope = np.array(list("abc" * 4)), np.arange(12.0) ** 1.5
        columns = {"level": list(levels), "x": slope, "y": self.SALES}
        found, errors, _, printed = solved(workplace, columns, "data.min_count=1", capsys=capsys)
        design = np.column_stack([(levels == c).astype(float) for c in "abc"] + [slope])
        expected = np.linalg.lstsq(design, self.SALES, rcond=None)[0]
        assert found["x"] == pytest.approx(expected[3], rel=1e-10)
        of_level = [next(value for name, value in found.items() if name.endswith(c)) for c in ("=a", "=b", "=c")]
        np.testing.assert_allclose(np.diff(of_level), np.diff(expected[:3]), rtol=1e-10)
        assert errors == {}
        assert "rank 4 of 5)" in printed
        assert "x" not in printed.split("rank 4 of 5): ")[1].split("condition")[0].split(", ")

    def test_a_constant_column(self, workplace, capsys):
        columns = {"a": self.CELSIUS, "constant": np.full(12, 0.1), "y": self.SALES}
        found, _, _, _ = solved(workplace, columns, capsys=capsys)
        assert found["a"] == pytest.approx(self.SLOPE, rel=1e-12)
        assert found.get("constant", 0.0) == 0.0

    def test_more_columns_than_rows(self, workplace):
        rng = np.random.default_rng(6)
        x = rng.standard_normal((12, 20))
        columns = {f"x{j}": x[:, j] for j in range(20)} | {"y": self.SALES}
        found, errors, metrics, _ = solved(workplace, columns)
        centred = (x - x.mean(0)) / x.std(0)
        expected = np.linalg.pinv(centred) @ (self.SALES - self.SALES.mean())
        np.testing.assert_allclose([found[f"x{j}"] for j in range(20)] * x.std(0), expected, rtol=1e-9)
        assert errors == {}
        assert metrics["optimum/loss"] < 1e-25

    def test_rows_of_weight_zero_do_not_make_columns_independent(self, workplace, capsys):
        columns = {
            "a": np.append(self.CELSIUS, 5.0), "b": np.append(2 * self.CELSIUS, 17.0),
            "w": np.append(np.ones(12), 0.0), "y": np.append(self.SALES, 100.0),
        }  # fmt: skip
        found, errors, _, printed = solved(workplace, columns, "data.weight=w", capsys=capsys)
        assert found["a"] == pytest.approx(self.SLOPE / 2, rel=1e-12)
        assert found["b"] == pytest.approx(self.SLOPE / 4, rel=1e-12)
        assert errors == {}
        assert "rank 2 of 3): a, b" in printed


class TestErrors:
    """Coefficients and standard errors against rational arithmetic, through the command line."""

    def exact(self, design, y):
        rows = [[Fraction(v) for v in row] for row in design.tolist()]
        size, target = design.shape[1], [Fraction(v) for v in y.tolist()]
        table = [
            [sum(r[i] * r[j] for r in rows) for j in range(size)]
            + [sum(r[i] * t for r, t in zip(rows, target, strict=True))]
            + [Fraction(i == j) for j in range(size)]
            for i in range(size)
        ]
        for i in range(size):
            table[i] = [v / table[i][i] for v in table[i]]
            for k in range(size):
                if k != i:
                    factor = table[k][i]
                    table[k] = [a - factor * b for a, b in zip(table[k], table[i], strict=True)]
        beta = [row[size] for row in table]
        squares = sum(
            (t - sum(b * v for b, v in zip(beta, r, strict=True))) ** 2 for r, t in zip(rows, target, strict=True)
        )
        variance = squares / (len(rows) - size)
        errors = [math.sqrt(variance * table[i][size + 1 + i]) for i in range(size)]
        return [float(b) for b in beta], errors, float(squares)

    @pytest.mark.parametrize(
        ("offset", "step"), [(1.7e9, 1.0), (1e9, 10 / 99), (1e12, 1.0)], ids=["unix seconds", "1e9", "1e12"]
    )
    def test_of_a_column_far_from_the_origin(self, workplace, offset, step):
        t = offset + step * np.arange(100)
        y = 0.1 * (t - offset) + np.random.default_rng(7).standard_normal(100)
        found, errors, _, _ = solved(workplace, {"t": t, "y": y})
        expected, expected_errors, _ = self.exact(np.column_stack([np.ones(100), t]), y)
        np.testing.assert_allclose([found["bias"], found["t"]], expected, rtol=1e-11)
        np.testing.assert_allclose([errors["bias"], errors["t"]], expected_errors, rtol=1e-11)

    def test_through_the_origin(self, workplace, capsys):
        """NIST's NoInt1: coefficient, error and R² (about 0, as the model has no bias) are certified."""
        x = np.arange(60.0, 71.0)
        found, errors, metrics, printed = solved(workplace, {"x": x, "y": x + 70}, "model.bias=false", capsys=capsys)
        assert found["x"] == pytest.approx(2.07438016528926, rel=1e-14)
        assert errors["x"] == pytest.approx(0.165289256198347e-01, rel=1e-12)
        assert metrics["optimum/r2"] == pytest.approx(0.999365492298663, rel=1e-13)
        assert metrics["optimum/residual_std_error"] == pytest.approx(3.56753034006338, rel=1e-13)
        assert "the model has no bias: optimum/r2 compares with predicting 0" in printed
