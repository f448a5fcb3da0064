"""`linnet predict --interval`: intervals of theory in every format, and why a run has none."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from pyarrow import csv, feather, parquet

import linnet
from linnet.cli import main as cli
from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace")

READ = {"csv": csv.read_csv, "csv.gz": csv.read_csv, "parquet": parquet.read_table, "feather": feather.read_table}
EXACT = ("optimizer=exact", "data.val_fraction=0", "data.test_fraction=0", "figures=false")
COLUMNS = ["prediction", "prediction_low", "prediction_high"]


def flats(weighted: bool = False) -> dict[str, np.ndarray]:
    """Return a table of 40 rows with a constant that is added to the years, a missing size, and weights if asked."""
    rng = np.random.default_rng(0)
    size, year = rng.normal(80, 20, 40), 2000 + rng.integers(0, 20, 40)
    price = 3 * size + year - 1900 + rng.normal(0, 5, 40)
    return {"size": size, "year": year, "price": price} | ({"w": rng.uniform(1, 2, 40)} if weighted else {})


def train(*overrides: str, table: dict | None = None, run: str = "run", target: str = "price") -> linnet.Run:
    parquet.write_table(pa.table(table or flats()), "f.parquet")
    data = ("data=table", "data.path=f.parquet", f"data.target={target}", f"hydra.run.dir={run}")
    return linnet.train([*data, *EXACT, *overrides])


def theirs(table: dict, confidence: float) -> np.ndarray:
    """Return prediction, low and high `[N, 3]` of statsmodels."""
    x = sm.add_constant(np.column_stack([table["size"], table["year"]]))
    found = sm.OLS(table["price"], x).fit().get_prediction(x).summary_frame(1 - confidence)
    return found[["mean", "obs_ci_lower", "obs_ci_upper"]].to_numpy()


class TestOfTheory:
    @pytest.mark.parametrize("kind", [*READ, "npy"])
    def test_are_those_of_statsmodels_in_any_format(self, kind, predict):
        train()
        code, _, errors = predict(
            Path.cwd() / "run", "--input", "f.parquet", "--interval", "0.9", "--output", f"p.{kind}"
        )
        assert code == 0, errors
        if kind == "npy":
            found = np.load("p.npy")
        else:
            table = READ[kind](f"p.{kind}")
            assert table.column_names == COLUMNS
            found = np.column_stack(table.columns)
        np.testing.assert_allclose(found, theirs(flats(), 0.9), rtol=1e-9)

    def test_in_python_are_the_same_tracked_or_not(self):
        run, table = train(), flats()
        expected = theirs(table, 0.8)[:, 1:]
        rows = {name: table[name] for name in ("size", "year")}
        found = run.predict_interval(rows, 0.8)
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert np.array_equal(linnet.load("run").predict_interval(rows, confidence=0.8), found)
        x = np.column_stack([table["size"], table["year"]])
        untracked = linnet.train(x, table["price"], [*EXACT[:3]], tracked=False, quiet=True)
        np.testing.assert_allclose(untracked.predict_interval(x, 0.8), expected, rtol=1e-9)

    def test_rows_without_a_prediction_have_no_interval(self, predict):
        table = flats()
        train("data.missing=drop")
        parquet.write_table(pa.table({"size": [50.0, None], "year": [2001, 2002]}), "new.parquet")
        assert (
            predict(Path.cwd() / "run", "--input", "new.parquet", "--interval", "0.5", "--output", "p.parquet")[0] == 0
        )
        found = parquet.read_table("p.parquet").to_pylist()
        assert list(found[1].values()) == [None] * 3
        low, prediction, high = (found[0][name] for name in ("prediction_low", "prediction", "prediction_high"))
        assert low < prediction < high
        assert len(table["size"]) == 40

    def test_of_several_targets_follow_each_of_them(self, predict):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((30, 2))
        y = x @ rng.standard_normal((2, 2)) + rng.standard_normal((30, 2))
        np.save("x.npy", x)
        np.save("y.npy", y)
        overrides = ["data=arrays", "data.x=x.npy", "data.y=y.npy", "hydra.run.dir=run", *EXACT[:2]]
        found = linnet.train(overrides).predict_interval(x, 0.9)
        code, output, errors = predict(Path.cwd() / "run", "--input", "x.npy", "--interval", "0.9", "--output", "p.npy")
        assert code == 0, errors
        assert np.array_equal(np.load("p.npy")[:, :, 1:], found)
        _, output, _ = predict(Path.cwd() / "run", "--input", "x.npy", "--interval", "0.9")
        names = [f"prediction_{c}{suffix}" for c in range(2) for suffix in ("", "_low", "_high")]
        assert output.decode().splitlines()[0].split(",") == names


KNOWN = (
    "without folds they are known for squared error without a penalty, solved by optimizer=exact: "
    "train with resampling=kfold"
)


class TestRefused:
    @pytest.mark.parametrize(
        ("overrides", "words"),
        [
            (["penalty=l2"], KNOWN),
            (["penalty=l1"], KNOWN),
            (["loss=huber"], KNOWN),
            (["optimizer=sgd", "trainer.max_epochs=1", "optimum=always"], f"it was trained by steps, and {KNOWN}"),
            (["data.weight=w"], "its examples have weights, which new rows do not have"),
        ],
    )
    def test_of_runs_that_have_none(self, overrides, words, predict):
        train(*overrides, table=flats(weighted=True))
        code, output, errors = predict(
            Path.cwd() / "run", "--input", "f.parquet", "--output", "p.csv", "--interval", "0.9"
        )
        assert (code, output) == (2, b"")
        assert errors == f"linnet: {Path.cwd()}/run has no prediction intervals: {words}\n"
        assert not Path("p.csv").exists()

    def test_of_collinear_columns_and_of_classes(self, home):
        table = flats()
        run = train(table={**table, "twice": 2 * table["size"]})
        with pytest.raises(InputError, match="the run has no prediction intervals: columns depend on each other"):
            run.predict_interval({})
        with pytest.raises(InputError, match="folk has no prediction intervals: it is a classifier without folds"):
            linnet.load(home / "folk").predict_set({})

    @pytest.mark.parametrize("given", ["0", "1", "-0.5", "90", "nan"])
    def test_of_a_confidence_that_is_none(self, given, home, predict):
        code, _, errors = predict("flats", "--input", home / "flats.parquet", f"--interval={given}")
        assert (code, errors.count("\n")) == (2, 1)
        assert errors.startswith(f"linnet: --interval={given}: expected a probability in (0, 1)")

    def test_of_a_column_that_has_the_name(self, predict):
        train(table=flats() | {"prediction_low": np.arange(40.0)}, target="price")
        code, _, errors = predict(
            Path.cwd() / "run", "--input", "f.parquet", "--interval", "0.9", "--id", "prediction_low"
        )
        assert (code, errors.count("\n")) == (2, 1)
        assert "--id=prediction_low: the predictions have a column of this name" in errors

    def test_of_a_run_before_there_were_intervals(self, monkeypatch):
        monkeypatch.setattr("linnet.training.optimality.prediction_errors", lambda fit, means: None)
        monkeypatch.setenv("LINNET_DATA", str(Path.cwd() / "cache"))
        train()
        with pytest.raises(InputError, match="did not keep what they need: train it again"):
            linnet.load("run").predict_interval({"size": [1.0], "year": [2000]})

    @pytest.mark.parametrize(
        ("name", "words"),
        [("means", "there are some only"), ("inverse_factor", "there are some only")],
    )
    def test_of_a_damaged_file(self, name, words, predict):
        train()
        shutil.rmtree("cache", ignore_errors=True)
        path = Path("run/optimum.safetensors")
        content = path.read_bytes()
        assert content.count(name.encode()) == 1
        path.write_bytes(content.replace(name.encode(), b"x" * len(name)))
        assert cli.run(["predict", "run", "--input", "f.parquet", "--interval", "0.9"]) == 2
        code, _, errors = predict(Path.cwd() / "run", "--input", "f.parquet", "--interval", "0.9", "--accept-changed")
        assert (code, errors.count("\n")) == (2, 1)
        assert words in errors
