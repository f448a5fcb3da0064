"""Whole runs on a table: the optimum is scikit-learn's, and a mistake leaves one line and nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from statsmodels.api import WLS, add_constant
from tables import people, write_csv

import linnet
from linnet.cli import main as cli
from linnet.data.table.preprocessing import Preprocessing
from linnet.system.reading import read_json

EXACT = ["optimizer=exact", "figures=false", "data.dtype=float64"]
LOAD: dict[str, Callable] = {
    "diabetes": datasets.load_diabetes, "iris": datasets.load_iris, "breast_cancer": datasets.load_breast_cancer,
}  # fmt: skip


def written(name: str, form: str) -> tuple[str, pa.Table]:
    """The data set of scikit-learn as a file, and as a table; classes by their names."""
    bunch = LOAD[name]()
    target = bunch.target if name == "diabetes" else np.array(bunch.target_names)[bunch.target]
    table = pa.table({str(f): bunch.data[:, i] for i, f in enumerate(bunch.feature_names)} | {"outcome": target})
    (csv.write_csv if form == "csv" else parquet.write_table)(table, f"{name}.{form}")
    return f"{name}.{form}", table


def split_by_target(run, table: pa.Table) -> np.ndarray:
    """The rows of the table that the run was trained on, found by their features."""
    everything = np.column_stack([table[name] for name in table.column_names[:-1]])
    places = {tuple(row): i for i, row in enumerate(everything.tolist())}
    return np.array([places[tuple(row)] for row in run.data.source.train.x.tolist()])


def assert_equal_to_four_digits(found: np.ndarray, expected: np.ndarray) -> None:
    """Of the largest coefficient: both solvers stop when the objective is known to as many digits."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("form", ["csv", "parquet"])
class TestOptimum:
    def test_of_numbers_is_that_of_linear_regression(self, form, workplace):
        path, table = written("diabetes", form)
        run = linnet.train(["data=table", f"data.path={path}", "data.target=outcome", *EXACT])
        rows = split_by_target(run, table)
        x = StandardScaler().fit_transform(np.column_stack(table.columns[:-1])[rows])
        expected = LinearRegression().fit(x, table["outcome"].to_numpy()[rows])
        assert_equal_to_four_digits(run.module.weight[0, 0].detach().numpy(), expected.coef_)
        np.testing.assert_allclose(run.module.bias[0].detach(), expected.intercept_, rtol=1e-4)
        assert "data=table" in Path(run.directory, ".hydra/overrides.yaml").read_text()

    @pytest.mark.parametrize("name", ["iris", "breast_cancer"])
    def test_of_classes_is_that_of_logistic_regression(self, name, form, workplace):
        path, table = written(name, form)
        strength = 0.01
        run = linnet.train([
            "data=table", f"data.path={path}", "data.target=outcome", *EXACT, "penalty=l2",
            f"penalty.strength={strength}",
        ])  # fmt: skip
        rows = split_by_target(run, table)
        x = StandardScaler().fit_transform(np.column_stack(table.columns[:-1])[rows])
        y = np.array(table["outcome"].to_pylist())[rows]
        weight = run.module.weight[0].detach().numpy()
        if len(set(y)) > 2:
            expected = LogisticRegression(C=1 / (len(x) * strength), tol=1e-10, max_iter=10_000).fit(x, y)
            assert run.data.source.class_names == tuple(expected.classes_)
            assert_equal_to_four_digits(weight, expected.coef_)
        else:  # one weight w where softmax has w/2 and −w/2, whose squared norm is half as large
            expected = LogisticRegression(C=2 / (len(x) * strength), tol=1e-10, max_iter=10_000).fit(x, y)
            assert_equal_to_four_digits(weight[1] - weight[0], expected.coef_[0])


def test_of_mixed_columns_is_that_of_ridge_regression_on_one_hot_features(workplace):
    columns = people(300)
    write_csv(workplace / "f.csv", columns)
    run = linnet.train([
        "data=table", "data.path=f.csv", "data.target=y", "data.test_fraction=0", "data.val_fraction=0", *EXACT,
        "penalty=l2", "penalty.strength=0.5",
    ])  # fmt: skip
    transform = make_column_transformer(("passthrough", [0, 1]), (OneHotEncoder(), [2]))
    raw = np.array([columns["age"], [value == "true" for value in columns["smoker"]], columns["city"]], object).T
    x = StandardScaler().fit_transform(np.asarray(transform.fit_transform(raw), float))
    expected = Ridge(alpha=0.5 * 300).fit(x, columns["y"])
    assert_equal_to_four_digits(run.module.weight[0, 0].detach().numpy(), expected.coef_)


class TestCommandLine:
    def test_trains_with_nothing_but_file_and_target(self, workplace, capsys):
        write_csv(workplace / "f.csv", people() | {"copy": people()["y"]})
        assert cli.run(["train", "data=table", "data.path=f.csv", "data.target=y", "figures=false"]) == 0
        out = capsys.readouterr().out
        assert "target y: regression" in out
        assert "warning: column copy" in out
        (run,) = Path("runs/table").iterdir()
        assert f"predict linnet predict {run} --input FILE" in out
        assert cli.run(["evaluate", str(run)]) == 0
        assert cli.run(["reproduce", str(run)]) == 0

    def test_keeps_what_made_its_features(self, workplace):
        write_csv(workplace / "f.csv", people())
        run = linnet.train(["data=table", "data.path=f.csv", "data.target=y", *EXACT])
        node = read_json(run.directory / "preprocessing.json")["table"]
        assert Preprocessing.from_node(node) == run.data.source.preprocessing
        assert read_json(run.directory / "manifest.json")["packages"]["pyarrow"] == pa.__version__

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["data.target=y"], "values are missing: age 1"),
            (["data.target=yy"], "did you mean y?"),
            (["data.target=age"], "target age is missing in row 2"),
        ],
    )
    def test_answers_a_mistake_in_one_line_and_leaves_nothing(self, given, words, workplace, capsys):
        columns = people()
        columns["age"][1] = None
        write_csv(workplace / "f.csv", columns)
        assert cli.run(["train", "data=table", "data.path=f.csv", *given]) == 2
        err = capsys.readouterr().err
        assert words in err
        assert len(err.splitlines()) == 1
        assert [path.name for path in workplace.iterdir()] == ["f.csv"]

    def test_finds_model_and_loss_for_an_experiment_of_ones_own(self, workplace):
        write_csv(workplace / "f.csv", people())
        folder = workplace / "experiments" / "mine"
        folder.mkdir(parents=True)
        text = "# @package _global_\ndefaults:\n  - override /data: table\ndata:\n  path: f.csv\n  target: y\n"
        (folder / "experiment.yaml").write_text(text)
        assert linnet.train(["experiment=mine", "figures=false"]).data.source.task == "regression"


class TestWeight:
    TABLE = (
        "data=table", "data.path=f.csv", "data.target=y", "data.weight=w", "data.exclude=[city]", "figures=false",
        "data.dtype=float64",
    )  # fmt: skip

    @pytest.fixture(autouse=True)
    def table(self, workplace):
        rng = np.random.default_rng(4)
        write_csv(workplace / "f.csv", people() | {"w": (3 * rng.random(100)).round(2).tolist()})

    def test_optimum_is_that_of_statsmodels(self):
        run = linnet.train([*self.TABLE, "optimizer=exact"])
        train = run.data.train
        expected = WLS(train.y[:, 0].numpy(), add_constant(train.x.numpy()), train.weight.numpy()).fit()
        found = [run.module.bias[0].item(), *run.module.weight[0, 0].tolist()]
        np.testing.assert_allclose(found, expected.params, rtol=1e-9)
        raw = run.data.source.train  # metrics are in the units of the file
        expected = WLS(raw.y[:, 0].numpy(), add_constant(raw.x.numpy()), train.weight.numpy()).fit()
        names = ["bias", *run.data.source.feature_names]
        coefficients = [run.metrics[f"optimum/coefficient/{name}"] for name in names]
        np.testing.assert_allclose(coefficients, expected.params, rtol=1e-9)
        errors = [run.metrics[f"optimum/std_error/{name}"] for name in names]
        np.testing.assert_allclose(errors, expected.bse, rtol=1e-9)
        assert run.metrics["optimum/gap"] < 1e-12

    @pytest.mark.parametrize("loss", ["squared_error", "huber"])
    def test_counts_in_training_and_in_the_losses_of_all_parts(self, loss):
        options = [
            f"loss={loss}", "optimizer=torch_lbfgs", "data.batch_size=1000", "trainer.max_epochs=30",
            "callbacks.checkpoint.select=last", "data.standardize=true",
        ]  # fmt: skip
        run = linnet.train([*self.TABLE, *options])
        for name, part in run.data.splits().items():
            losses = run.module.loss.value(run.module(part.x)[None], part.y)[0]
            expected = np.average(losses.detach(), weights=part.weight)
            assert run.metrics[f"{name}/loss"] == pytest.approx(expected, rel=1e-9)
        train = run.data.train
        error = (run.module(train.x) - train.y).detach()[:, 0]
        slope = train.weight * (error if loss == "squared_error" else error.clamp(-1, 1))
        assert slope.abs().mean() > 0.1
        np.testing.assert_allclose(slope @ train.x / len(train), 0, atol=1e-5)  # as at the weighted optimum only
        np.testing.assert_allclose(slope.mean(), 0, atol=1e-5)

    @pytest.mark.parametrize("loss", ["huber", "absolute_error"])
    def test_counts_in_the_optimum_of_other_losses(self, loss):
        run = linnet.train([*self.TABLE, f"loss={loss}", "optimizer=exact"])
        assert run.metrics["optimum/gap"] <= run.metrics["optimum/bound"] + 1e-6  # predictions are float32
        train = run.data.train
        losses = run.module.loss.value(run.module(train.x)[None], train.y)[0].detach()
        assert float((losses * train.weight).mean()) == pytest.approx(run.metrics["optimum/loss"], rel=1e-5)
