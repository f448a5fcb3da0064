"""Certificates that hold, heavy tails in time, norms that do not overflow, no class for NaN, one unit."""

import time

import numpy as np
import pytest
import torch
from all_metrics import classification_metrics
from answers import EXACT, coefficients, inspected, train_table
from decimal_problem import ONE, Problem, exact
from reference import minimise

import linnet
from linnet.cli import main as cli


def test_classes_that_overlap_by_1e_12_have_a_finite_optimum(workplace):
    a, b = [-1.3, -0.2, -0.7, -2.2, 1e-12], [-1e-12, 0.9, 1.7, 0.4, 0.15]
    columns = {"x": a + b, "y": ["a"] * 5 + ["b"] * 5}
    run = train_table(columns, "data.standardize=false", "data.dtype=float64")
    best = minimise(Problem(exact([[v] for v in a + b]), np.repeat([0, 1], 5), np.full(10, ONE / 10), "softmax", 2))
    assert best.gap < 1e-30 and float(best.objective) == pytest.approx(0.138629436, abs=1e-9)
    assert run.metrics["optimum/bound"] <= 1e-8
    assert run.metrics["optimum/loss"] == pytest.approx(float(best.objective), abs=run.metrics["optimum/bound"] + 1e-16)
    predictor = linnet.load(run.directory).model
    difference = predictor.weight[1, 0] - predictor.weight[0, 0]
    assert difference == pytest.approx(float(best.params[1, 0] - best.params[0, 0]), rel=1e-6)


def test_separable_classes_have_none(workplace, capsys):
    a, b = [-1.3, -0.2, -0.7, -2.2, -1e-12], [1e-12, 0.9, 1.7, 0.4, 0.15]
    path = "data.path=t.csv"
    text = "x,y\n" + "".join(f"{v!r},{c}\n" for c, part in (("a", a), ("b", b)) for v in part)
    (workplace / "t.csv").write_text(text)
    words = ["data=table", path, "data.target=y", "data.test_fraction=0", *EXACT, "data.standardize=false"]
    assert cli.run(["train", *words]) == 2
    assert "no finite optimum" in capsys.readouterr().err


@pytest.mark.parametrize("penalty", ["none", "l1", "elastic_net"])
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "squared_error"])
def test_heavy_tails_take_five_seconds_at_most_or_are_not_solved(workplace, capsys, loss, penalty):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((400, 6))
    x[3, 2] = 1e7
    y = x @ [1, 2, 0, 0, 0.5, 0] + rng.standard_normal(400) - 2 * x[:, 2]
    columns = {f"x{i}": column for i, column in enumerate(x.T)} | {"y": y}
    begin = time.process_time()
    try:
        run = train_table(columns, f"loss={loss}", f"penalty={penalty}", "data.task=regression", "threads=1")
    except linnet.system.errors.InputError as error:
        assert "not solved" in str(error)
    else:
        initial = np.abs(y).mean() if loss != "squared_error" else (y**2).mean() / 2
        assert run.metrics["optimum/bound"] <= 1e-6 * initial
    assert time.process_time() - begin < 5 + 1  # a second for all but the solver


def test_exact_runs_speak_of_no_learning_rate(workplace, capsys):
    rng = np.random.default_rng(0)
    train_table({"x": rng.standard_normal(30), "y": rng.standard_normal(30)})
    printed = capsys.readouterr()
    assert "learning rate" not in printed.out + printed.err and "optimizer.lr" not in printed.out + printed.err


def test_norms_of_rows_do_not_overflow(workplace):
    rng = np.random.default_rng(0)
    direction = rng.standard_normal((40, 3)).astype(np.float32)
    np.save("x.npy", direction * np.float32(1e38) / np.abs(direction).max())
    np.save("small.npy", direction)
    np.save("y.npy", rng.standard_normal(40))
    found = []
    for name in ("x.npy", "small.npy"):
        arrays = ["data=arrays", f"data.x={name}", "data.y=y.npy", "model=linear_regression", "loss=squared_error"]
        found.append(coefficients(linnet.train([*arrays, *EXACT, "data.normalize=rows", "data.standardize=false"])))
    assert any(found[1].values())
    # Rounding to float32 by the factor changes a row's direction by 2⁻²⁴ in each number.
    assert found[0] == pytest.approx(found[1], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logits_of_nan_are_no_class(n_classes):
    figures = classification_metrics(torch.full((10, n_classes), torch.nan), torch.zeros(10, dtype=torch.int64), 0.0)
    assert not figures["accuracy"] > 0 and not figures["top2_accuracy"] > 0


def test_a_coefficient_has_one_value_wherever_it_is_shown(workplace, capsys):
    rng = np.random.default_rng(0)
    x = 1000 + 50 * rng.standard_normal(40)
    run = train_table({"x": x, "y": 0.2 * x + rng.standard_normal(40)}, "data.task=regression")
    lines = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]
    shown = {words[0]: words[1] for words in lines if len(words) > 2 and words[0] in ("x", "bias")}
    rows = inspected(run)
    for name in ("x", "bias"):
        assert run.metrics[f"optimum/coefficient/{name}"] == pytest.approx(float(rows[name]["coefficient"]), rel=1e-12)
        assert float(shown[name]) == pytest.approx(float(rows[name]["coefficient"]), rel=1e-3)
    assert float(rows["x"]["per_deviation"]) == pytest.approx(float(rows["x"]["coefficient"]) * x.std(), rel=1e-10)
