"""`linnet evaluate RUN --input F`: metrics on another labelled file, held to those of the run's own test part, to
scikit-learn, and to sums of predictions of `linnet predict`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interrupted_run import one_line
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, r2_score
from tables import write_csv

import linnet
from linnet.cli import main as cli
from linnet.system.reading import read_json

COMMON = ("figures=false", "threads=1", "trainer.max_epochs=3", "data.dtype=float64")
ROUNDING = 1e-9
"""Relative: float64 sums of a few hundred terms, of features with and without standardisation."""


def people(n_rows: int, seed: int) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    age, size = rng.integers(18, 90, n_rows), rng.normal(170, 9, n_rows)
    city = rng.choice(["Oslo", "Rome", "Lima"], n_rows)
    y = 0.1 * age - 0.3 * size + (city == "Rome") + rng.normal(0, 1, n_rows)
    kind = np.where(rng.normal(age, 10) > 60, "old", np.where(rng.normal(age, 10) > 35, "adult", "young"))
    w = rng.integers(1, 5, n_rows)
    found = {"age": age, "size": size, "city": city, "y": y, "kind": kind, "w": w}
    return {name: column.tolist() for name, column in found.items()}


def train(directory: Path, *overrides: str) -> Path:
    assert cli.run(["train", f"hydra.run.dir={directory}", *COMMON, *overrides]) == 0
    return directory


def table(folder: Path, target: str, *more: str, columns: Mapping[str, Sequence[Any]] | None = None) -> list[str]:
    """Overrides of a run on a table of the folder, tested on another one."""
    other = {"y": "kind", "kind": "y"}[target]
    train_file = write_csv(folder / "train.csv", columns or people(200, 0))
    test_file = write_csv(folder / "test.csv", people(120, 1))
    return ["data=table", f"data.path={train_file}", f"data.test_path={test_file}", f"data.target={target}",
            f"data.exclude=[{other}]", *more]  # fmt: skip


def evaluated(capsys: pytest.CaptureFixture[str], run: Path, *arguments: Any) -> tuple[dict[str, float], str]:
    """The metrics, and what is on stderr."""
    capsys.readouterr()
    assert cli.run(["evaluate", str(run), "--json", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


class TestEqualsTheRunsOwnTest:
    @pytest.mark.parametrize(
        ("target", "more"),
        [
            ("y", ()),
            ("y", ("loss=huber", "data.standardize=false", "optimizer.lr=1e-5")),
            ("y", ("data.weight=w",)),
            ("kind", ()),
            ("kind", ("loss.label_smoothing=0.1", "data.weight=w")),
        ],
    )
    def test_of_a_table_whose_own_data_is_gone(self, target, more, tmp_path, capsys):
        run = train(tmp_path / "run", *table(tmp_path, target, *more))
        given = (tmp_path / "test.csv").rename(tmp_path / "elsewhere.csv")
        (tmp_path / "train.csv").unlink()
        before = contents(run)
        found, notes = evaluated(capsys, run, "--input", given)
        assert notes.replace(f"note: {given}: not in the training data, ignored: ", "").strip() in ("", "w")
        own = {key: value for key, value in read_json(run / "metrics.json").items() if key.startswith("test/")}
        assert found.keys() == own.keys()
        assert found == pytest.approx(own, rel=ROUNDING, abs=1e-12)
        assert contents(run) == before

    @pytest.mark.parametrize("target", ["classes", "numbers"])
    @pytest.mark.parametrize("form", ["npy", "npz"])
    def test_of_arrays(self, target, form, tmp_path, capsys):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(150, 4)) + np.array([0, 10, -10, 100])
        y = x @ rng.normal(size=(4, 2)) if target == "numbers" else rng.integers(0, 3, 150)
        for name, array in {"x": x[:100], "y": y[:100], "xt": x[100:], "yt": y[100:]}.items():
            np.save(tmp_path / f"{name}.npy", array)
        np.savez(tmp_path / "both.npz", x=x[100:], y=y[100:])
        files = {key: tmp_path / f"{name}.npy" for key, name in
                 (("x", "x"), ("y", "y"), ("x_test", "xt"), ("y_test", "yt"))}  # fmt: skip
        given = ["data=arrays", *(f"data.{key}={path}" for key, path in files.items()), "data.standardize=true"]
        run = train(tmp_path / "run", *given)
        (tmp_path / "x.npy").unlink()
        inputs = [files["x_test"], "--target", files["y_test"]] if form == "npy" else [tmp_path / "both.npz"]
        found, notes = evaluated(capsys, run, "--input", *inputs)
        own = {key: value for key, value in read_json(run / "metrics.json").items() if key.startswith("test/")}
        assert found == pytest.approx(own, rel=ROUNDING, abs=1e-12)
        assert notes == ""


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regression")
    return train(folder / "run", *table(folder, "y"))


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    return train(folder / "run", *table(folder, "kind"))


class TestAnotherFile:
    def test_numbers_against_sklearn(self, regression, tmp_path, capsys):
        values = people(90, 5)
        found, _ = evaluated(capsys, regression, "--input", write_csv(tmp_path / "f.csv", values))
        y, prediction = values["y"], linnet.load(regression)(values)
        assert found["test/mae"] == pytest.approx(mean_absolute_error(y, prediction), rel=ROUNDING)
        assert found["test/r2"] == pytest.approx(r2_score(y, prediction), rel=ROUNDING)
        assert found["test/loss"] == pytest.approx(np.mean((y - prediction) ** 2) / 2, rel=ROUNDING)
        assert found["test/mae_ci95_low"] < found["test/mae"] < found["test/mae_ci95_high"]

    def test_classes_that_the_model_does_not_have_are_wrong(self, classes, tmp_path, capsys):
        values = people(90, 6)
        values["kind"][:7] = ["baby"] * 5 + ["ghost"] * 2
        found, notes = evaluated(capsys, classes, "--input", write_csv(tmp_path / "f.csv", values))
        model, y = linnet.load(classes).model, values["kind"]
        p = model(values)
        predicted = [model.class_names[k] for k in p.argmax(axis=1)]
        assert "7 rows of classes that the model does not have (baby, ghost): counted as wrong" in notes
        assert found["test/accuracy"] == pytest.approx(accuracy_score(y, predicted), rel=ROUNDING)
        assert found["test/macro_f1"] == pytest.approx(f1_score(y, predicted, average="macro"), rel=ROUNDING)
        assert found["test/nll"] == pytest.approx(log_loss(y[7:], p[7:], labels=list(model.class_names)), rel=ROUNDING)
        assert found["test/loss"] == pytest.approx(found["test/nll"], rel=ROUNDING)
        low, high = found["test/accuracy_ci95_low"], found["test/accuracy_ci95_high"]
        assert low < found["test/accuracy"] < high

    def test_one_class_alone_is_no_fault(self, classes, tmp_path, capsys):
        values = people(60, 7)
        rows = [i for i, kind in enumerate(values["kind"]) if kind == "old"]
        values = {name: [column[i] for i in rows] for name, column in values.items()}
        found, _ = evaluated(capsys, classes, "--input", write_csv(tmp_path / "f.csv", values))
        predicted = linnet.load(classes)(values).argmax(axis=1)
        assert found["test/accuracy"] == np.mean(predicted == linnet.load(classes).model.class_names.index("old"))

    def test_writes_where_it_is_told(self, regression, tmp_path, capsys):
        given = write_csv(tmp_path / "f.csv", people(30, 8))
        found, _ = evaluated(capsys, regression, "--input", given, "--output", tmp_path / "m.json")
        assert read_json(tmp_path / "m.json") == found
        assert cli.run(["evaluate", str(regression), "--input", given]) == 0
        assert "30 rows of" in capsys.readouterr().out

    def test_another_name_of_the_target(self, regression, tmp_path, capsys):
        values = people(30, 9)
        values["income"] = values.pop("y")
        file = write_csv(tmp_path / "f.csv", values)
        found, _ = evaluated(capsys, regression, "--input", file, "--target", "income")
        assert found["test/mae"] == pytest.approx(
            mean_absolute_error(values["income"], linnet.load(regression)(values))
        )

    @pytest.mark.parametrize(
        ("change", "arguments", "said"),
        [
            ({"y": None}, (), "--target=y: "),
            ({"age": None}, (), "has no column age, which the model needs"),
            ({}, ("--target", "nope"), "--target=nope: "),
            ({"y": [*range(29), "x"]}, (), "x"),
            ({"y": [*range(29), None]}, (), "target y is missing in row 30"),
            ({"size": [*range(29), None]}, (), "values are missing: size 1"),
        ],
    )
    def test_refused_in_one_line(self, change, arguments, said, regression, tmp_path, capsys):
        values = {name: column for name, column in (people(30, 10) | change).items() if column is not None}
        file = write_csv(tmp_path / "f.csv", values)
        capsys.readouterr()
        assert cli.run(["evaluate", str(regression), "--input", file, *arguments]) == 2
        assert said in one_line(capsys)

    @pytest.mark.parametrize("arguments", [("--target", "y"), ("--delimiter", ";"), ("--input", "nowhere.csv")])
    def test_options(self, arguments, regression, capsys):
        assert cli.run(["evaluate", str(regression), *arguments]) == 2
        one_line(capsys)

    def test_no_output_into_the_run(self, regression, tmp_path, capsys):
        file = write_csv(tmp_path / "f.csv", people(30, 8))
        before = contents(regression)
        output = str(regression / "metrics.json")
        assert cli.run(["evaluate", str(regression), "--input", file, "--output", output]) == 2
        assert "lies in the run directory" in one_line(capsys)
        assert contents(regression) == before


class TestMissingValues:
    @pytest.mark.parametrize("rule", ["drop", "mean"])
    def test_by_the_rule_of_the_run(self, rule, tmp_path, capsys):
        values = people(200, 0)
        values["size"][3] = None
        run = train(tmp_path / "run", *table(tmp_path, "y", f"data.missing={rule}", columns=values))
        given = people(80, 2)
        given["size"][5] = given["size"][70] = None
        if rule == "drop":
            given["y"][71] = None
        found, notes = evaluated(capsys, run, "--input", write_csv(tmp_path / "f.csv", given))
        left_out = [5, 70, 71] if rule == "drop" else []
        rows = [i for i in range(80) if i not in left_out]
        prediction = linnet.load(run)(given)[rows]
        assert found["test/mae"] == pytest.approx(mean_absolute_error([given["y"][i] for i in rows], prediction))
        assert ("note: 3 rows of 80 left out" in notes) == (rule == "drop")
