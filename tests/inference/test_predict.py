"""`linnet predict`: the figures of `linnet evaluate` from its output, whatever the order, the format or the size."""

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet
from safetensors.numpy import save_file

import linnet
from linnet.cli import main as cli

pytestmark = pytest.mark.usefixtures("workplace")

WRITE = {
    "csv": csv.write_csv,
    "csv.gz": lambda table, path: Path(path).write_bytes(gzip.compress(csv_bytes(table), mtime=0)),
    "parquet": parquet.write_table,
    "feather": feather.write_feather,
}
READ = {"csv": csv.read_csv, "csv.gz": csv.read_csv, "parquet": parquet.read_table, "feather": feather.read_table}
PROBABILITIES = ["probability_" + name for name in ('so "old"', "young, free", "é")]


def csv_bytes(table: pa.Table) -> bytes:
    csv.write_csv(table, sink := io.BytesIO())
    return sink.getvalue()


def figures(run: Path, capfd) -> dict[str, float]:
    assert cli.run(["evaluate", str(run), "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def folk(home, part: str | None = "test") -> pa.Table:
    table = csv.read_csv(home / "folk.csv")
    return table if part is None else table.filter(pa.compute.equal(table["part"], part))


class TestFigures:
    def test_of_classes_are_those_of_evaluate(self, home, capfd):
        expected = figures(home / "folk", capfd)
        table = folk(home)
        csv.write_csv(table, "test.csv")
        assert cli.run(["predict", str(home / "folk"), "--input", "test.csv", "--output", "out.csv"]) == 0
        found = csv.read_csv("out.csv")
        assert found.column_names == ["prediction", *PROBABILITIES]
        right = np.array(found["prediction"].to_pylist()) == np.array(table["kind"].to_pylist())
        assert right.mean() == pytest.approx(expected["test/accuracy"], abs=1e-9)
        p = [found[f"probability_{kind}"][row].as_py() for row, kind in enumerate(table["kind"].to_pylist())]
        assert -np.log(p).mean() == pytest.approx(expected["test/loss"], rel=1e-5)

    def test_of_numbers_are_those_of_evaluate(self, home, capfd):
        expected = figures(home / "flats", capfd)
        table = parquet.read_table(home / "flats.parquet")
        table = table.filter(pa.compute.equal(table["part"], "test"))
        parquet.write_table(table, "test.parquet")
        assert cli.run(["predict", str(home / "flats"), "--input", "test.parquet", "--output", "out.parquet"]) == 0
        found = parquet.read_table("out.parquet")
        assert found.column_names == ["prediction"]
        missing = table["size"].is_null().to_numpy()
        assert missing.any()
        assert np.array_equal(found["prediction"].is_null().to_numpy(), missing)
        y = table["price"].to_numpy()[~missing]
        error = found["prediction"].to_numpy()[~missing] - y
        assert np.sqrt((error**2).mean()) == pytest.approx(expected["test/rmse"], rel=1e-5)
        assert 1 - (error**2).sum() / ((y - y.mean()) ** 2).sum() == pytest.approx(expected["test/r2"], rel=1e-5)


class TestTable:
    @pytest.mark.parametrize("kind", WRITE)
    def test_is_the_same_in_any_format_and_order_of_columns(self, home, predict, kind):
        table = folk(home, None)
        WRITE["csv"](table, "plain.csv")
        expected = predict("folk", "--input", "plain.csv")[1]
        assert expected.count(b"\n") == 301
        shuffled = table.select(np.random.default_rng(1).permutation(table.column_names).tolist())
        WRITE[kind](shuffled, f"f.{kind}")
        assert predict("folk", "--input", f"f.{kind}")[:2] == (0, expected)

    @pytest.mark.parametrize("kind", READ)
    def test_becomes_a_file_of_any_format(self, home, predict, kind):
        given = ("folk", "--input", home / "folk.csv", "--id", "id", "--id", "age")
        table = csv.read_csv(io.BytesIO(predict(*given)[1]))
        code, output, _ = predict(*given, "--output", f"out.{kind}")
        assert (code, output) == (0, f"out.{kind}: predictions of 300 rows\n".encode())
        found = READ[kind](f"out.{kind}")
        assert found.column_names == ["id", "age", "prediction", *PROBABILITIES]
        if kind != "csv.gz" and kind != "csv":  # CSV read as columns of text
            table = table.set_column(1, "age", table["age"].cast(pa.string()))
        assert found.to_pydict() == table.to_pydict()

    def test_becomes_an_array_of_probabilities_or_numbers(self, home, predict):
        table = csv.read_csv(io.BytesIO(predict("folk", "--input", home / "folk.csv")[1]))
        assert predict("folk", "--input", home / "folk.csv", "--output", "out.npy")[0] == 0
        assert np.array_equal(np.load("out.npy"), np.column_stack(table.columns[1:]))
        assert predict("flats", "--input", home / "flats.parquet", "--output", "out.npy")[0] == 0
        found = np.load("out.npy")
        assert (found.shape, found.dtype) == ((300,), np.float64)
        assert np.flatnonzero(np.isnan(found)).tolist() == list(range(7, 300, 50))

    def test_rows_without_a_prediction_are_told_and_not_lost(self, home, predict):
        code, output, errors = predict("flats", "--input", home / "flats.parquet")
        lines = output.decode().splitlines()
        assert (code, len(lines)) == (0, 301)
        assert [i for i, line in enumerate(lines[1:]) if line == '""'] == list(range(7, 300, 50))
        assert "note: 6 rows: left out for missing values in size\n" in errors
        assert "note: 6 rows of 300 without a prediction\n" in errors

    def test_tells_what_training_has_not_seen(self, home, predict):
        table = folk(home, None).drop_columns(["kind", "part", "id"])
        table = table.set_column(2, "city", pa.array(["Paris"] * 2 + ["Rome"] * 298)).append_column("new", table["age"])
        csv.write_csv(table, "f.csv")
        code, _, errors = predict("folk", "--input", "f.csv")
        assert code == 0
        assert errors.splitlines() == [
            "note: f.csv: not in the training data, ignored: new",
            "note: 2 rows: column city: no level of the training data, counts as none of them (such as 'Paris')",
        ]

    def test_may_be_standard_input(self, home, predict, monkeypatch):
        expected = predict("folk", "--input", home / "folk.csv")
        for content in ((home / "folk.csv").read_bytes(), gzip.compress((home / "folk.csv").read_bytes(), mtime=0)):
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
            assert predict("folk", "--input", "-") == expected

    def test_of_one_feature_needs_no_second_column(self, home, predict, tmp_path):
        Path("f.csv").write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(50)))
        run = linnet.train(["data=table", "data.path=f.csv", "data.target=y", "optimizer=exact", "figures=false"])
        Path("new.csv").write_text("x\n1\n\n100\n")
        code, output, errors = predict(run.directory, "--input", "new.csv")
        assert code == 0
        assert np.allclose([float(line) for line in output.decode().splitlines()[1:]], [2, 200], rtol=1e-3)
        assert errors == "note: new.csv: empty lines are no rows (1 here)\n"


class TestArray:
    def test_is_taken_as_the_run_took_it(self, home, predict):
        model = linnet.load(home / "pixels").model
        x = np.load(home / "x.npy")
        expected = model.outputs(x.reshape(200, 4).astype(float))
        code, output, errors = predict("pixels", "--input", home / "x.npy", "--output", "out.npy")
        assert (code, output, errors) == (0, b"out.npy: predictions of 200 rows\n", "")
        assert np.array_equal(np.load("out.npy"), expected)
        assert np.array_equal(model(x), expected)
        np.save("f.npy", np.asfortranarray(x.astype(np.float32)))
        assert predict("pixels", "--input", "f.npy")[1] == predict("pixels", "--input", home / "x.npy")[1]

    def test_may_lie_among_others(self, home, predict):
        x = np.load(home / "x.npy")
        expected = predict("pixels", "--input", home / "x.npy")[1]
        np.savez("f.npz", x=x, y=np.zeros(200))
        save_file({"pixels": x, "y": np.zeros(200)}, "f.safetensors")
        assert predict("pixels", "--input", "f.npz")[1] == expected
        assert predict("pixels", "--input", "f.safetensors:pixels")[1] == expected
        code, _, errors = predict("pixels", "--input", "f.safetensors")
        assert (code, errors.count("\n")) == (2, 1)
        assert "no array is named x, there are pixels, y" in errors
        np.savez_compressed("c.npz", x=x)
        assert "c.npz:x is compressed" in predict("pixels", "--input", "c.npz")[2]

    def test_whose_features_have_names_may_be_a_table(self, home, predict):
        model = linnet.load(home / "diabetes").model
        x = np.random.default_rng(0).normal(0, 0.05, (20, 10))
        table = pa.table(dict(zip(model.feature_names, x.T, strict=True)))
        np.save("f.npy", x)
        parquet.write_table(table.select(model.feature_names[::-1]), "f.parquet")
        expected = predict("diabetes", "--input", "f.npy")
        assert expected[0] == 0
        assert predict("diabetes", "--input", "f.parquet") == expected
        assert np.array_equal(model(table), model(x))


class TestLoaded:
    def test_predicts_tables_in_memory(self, home, predict):
        model, table = linnet.load(str(home / "flats")).model, parquet.read_table(home / "flats.parquet")
        with pytest.warns(UserWarning, match="6 rows: left out for missing values"):
            found = model(table)
        assert predict("flats", "--input", home / "flats.parquet", "--output", "out.npy")[0] == 0
        assert np.array_equal(found, np.load("out.npy"), equal_nan=True)
        assert np.array_equal(model({"floor": [1], "size": [50.0]}), model(pa.table({"size": [50.0], "floor": [1]})))


def test_imports_nothing_heavy():
    code = "import sys, linnet.cli.predict; print(*{'torch', 'pytorch_lightning', 'hydra'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "\n"
