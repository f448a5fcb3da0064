"""Tables as people have them, through the command line: what a value is, in training, predictions and exports."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from table_runs import EXACT, write

import linnet
from linnet.cli import main as cli
from linnet.inference.export.as_json import predict as predict_json
from linnet.inference.export.as_onnx import predict as predict_onnx
from linnet.inference.export.as_sklearn import predict as predict_sklearn


def train(*options: str, run: str = "run") -> int:
    return cli.run(["train", "data=table", f"hydra.run.dir={run}", *EXACT, *options])


def predicted(run: str, path: str) -> list[str]:
    assert cli.run(["predict", run, "--input", path, "--output", "p.csv"]) == 0
    with Path("p.csv").open(newline="") as file:
        found = [row["prediction"] for row in csv.DictReader(file)]
    Path("p.csv").unlink()
    return found


@pytest.fixture
def rooms(workplace):
    """y = 10, 20, 30 for 3, 4 and 4.5 rooms, each spelled in several ways."""
    spellings = {10.0: ["3", "3.0", "3.00", " 3"], 20.0: ["4", "4.0"], 30.0: ["4.5", "4.50"]}
    rows = [(text, y) for y, texts in spellings.items() for text in texts for _ in range(12)]
    write("f.csv", {"rooms": [text for text, _ in rows], "y": [y for _, y in rows]})
    assert train("data.path=f.csv", "data.target=y", "data.task=regression", "data.categorical=[rooms]") == 0


class TestCategoriesOfNumbers:
    def test_compare_by_value_in_training_and_predict(self, rooms):
        node = json.loads(Path("run/preprocessing.json").read_text())
        assert node["table"]["columns"][0]["levels"] == ["3", "4", "4.5"]
        write("new.csv", {"rooms": ["3.000", "4", "4.50 ", "3e0"], "other": [1, 2, 3, 4]})
        assert [float(y) for y in predicted("run", "new.csv")] == pytest.approx([10, 20, 30, 10])

    @pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int64()])
    def test_compare_by_value_with_typed_columns(self, rooms, kind):
        values = [3, 4] if kind == pa.int64() else [3.0, 4.5]
        parquet.write_table(pa.table({"rooms": pa.array(values, kind)}), "new.parquet")
        wanted = [10, 20] if kind == pa.int64() else [10, 30]
        assert [float(y) for y in predicted("run", "new.parquet")] == pytest.approx(wanted)

    def test_trained_from_floats_predict_from_text(self, workplace):
        values = [0.1, 4.0] * 20
        parquet.write_table(
            pa.table({"code": pa.array(values, pa.float32()), "y": [v * 2 for v in values]}), "f.parquet"
        )
        options = ("data.path=f.parquet", "data.target=y", "data.task=regression", "data.categorical=[code]")
        assert train(*options) == 0
        write("new.csv", {"code": ["0.1", "4", "0.10"], "z": [0, 0, 0]})
        assert [float(y) for y in predicted("run", "new.csv")] == pytest.approx([0.2, 8, 0.2])

    def test_are_the_same_in_all_exports(self, rooms):
        given = np.array(["3", "3.0", " 4 ", "4.50", "77", None], object)
        write("new.csv", {"rooms": [value or "1" for value in given[:5]], "z": [0] * 5})
        wanted = [float(y) for y in predicted("run", "new.csv")]
        for form, predict in (("json", predict_json), ("onnx", predict_onnx), ("sklearn", predict_sklearn)):
            assert cli.run(["export", "run", "--format", form, "--output", f"m.{form}"]) == 0
            found, _ = predict(Path(f"m.{form}").read_bytes(), {"rooms": given[:5]})
            np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-9)

    def test_float_levels_export_right_to_scikit_learn(self, workplace):
        """The table that predicted 5.115 for all rows, after a check that said 0.0e+00."""
        values = [0.1, 4.0, 2.5] * 20
        frame = pd.DataFrame({"code": values, "y": [v * 2 for v in values]})
        frame.to_csv("f.csv", index=False)
        options = ("data.path=f.csv", "data.target=y", "data.task=regression", "data.categorical=[code]")
        assert train(*options) == 0
        assert cli.run(["export", "run", "--format", "sklearn", "--output", "m.joblib"]) == 0
        import joblib

        np.testing.assert_allclose(joblib.load("m.joblib").predict(frame[["code"]]), frame["y"], rtol=1e-9)

    def test_codes_with_leading_zeros_are_text(self, workplace):
        write("f.csv", {"code": ["007", "7", "07"] * 20, "y": [1.0, 2.0, 3.0] * 20})
        options = ("data.path=f.csv", "data.target=y", "data.task=regression", "data.categorical=[code]")
        assert train(*options) == 0
        assert [float(y) for y in predicted("run", "f.csv")[:3]] == pytest.approx([1, 2, 3])


class TestClasses:
    def test_keep_their_text(self, workplace):
        write("f.csv", {"x": [0.0, 1.0, 2.0] * 20, "label": ["01", "1", "007"] * 20})
        assert train("data.path=f.csv", "data.target=label", "penalty=l2", "penalty.strength=1e-6") == 0
        assert json.loads(Path("run/preprocessing.json").read_text())["class_names"] == ["007", "01", "1"]
        assert predicted("run", "f.csv")[:3] == ["01", "1", "007"]

    def test_of_whole_numbers_are_in_order_and_by_value(self, workplace):
        write("f.csv", {"x": [0.0, 1.0, 2.0] * 20, "label": ["9", "10", "2.0"] * 19 + ["9.0", "10", "2"]})
        assert train("data.path=f.csv", "data.target=label", "penalty=l2", "penalty.strength=1e-6") == 0
        assert json.loads(Path("run/preprocessing.json").read_text())["class_names"] == ["2", "9", "10"]

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_beyond_2_to_the_53_keep_every_digit(self, workplace, form):
        labels = [10**18, 10**18 + 1, 10**18 + 200]
        if form == "csv":
            write("f.csv", {"x": [0.0, 1.0, 2.0] * 20, "label": labels * 20})
        else:
            parquet.write_table(pa.table({"x": [0.0, 1.0, 2.0] * 20, "label": pa.array(labels * 20)}), "f.parquet")
        assert train(f"data.path=f.{form}", "data.target=label", "penalty=l2", "penalty.strength=1e-6") == 0
        assert json.loads(Path("run/preprocessing.json").read_text())["class_names"] == list(map(str, labels))
        assert predicted("run", f"f.{form}")[:3] == list(map(str, labels))


class TestMissingValues:
    def test_are_the_same_in_predict_and_all_exports(self, workplace):
        rng = np.random.default_rng(0)
        city = rng.choice(["Oslo", "Rome", ""], 90).tolist()
        size = rng.normal(50, 10, 90).round(1).tolist()
        write(
            "f.csv", {"city": city, "size": size, "y": [s + 5 * (c == "Oslo") for s, c in zip(size, city, strict=True)]}
        )
        assert train("data.path=f.csv", "data.target=y", "data.missing=mean", "data.min_count=1") == 0
        cities = [" Oslo", "Rome ", "", "NA", "N/A", "nan", "Paris", None]
        sizes = [40.0, 50.0, 60.0, 40.0, 50.0, 60.0, 40.0, 50.0]
        write("new.csv", {"city": [c or "" for c in cities], "size": sizes})
        wanted = [float(y) for y in predicted("run", "new.csv")]
        inputs = {"city": np.array(cities, object), "size": np.array(sizes)}
        for form, predict in (("json", predict_json), ("onnx", predict_onnx), ("sklearn", predict_sklearn)):
            assert cli.run(["export", "run", "--format", form, "--output", f"m.{form}"]) == 0
            found, _ = predict(Path(f"m.{form}").read_bytes(), inputs)
            np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-9)

    def test_have_no_prediction_in_an_export_where_the_run_refused_them(self, workplace):
        write("f.csv", {"city": ["Oslo", "Rome"] * 30, "y": [1.0, 2.0] * 30})
        assert train("data.path=f.csv", "data.target=y", "data.task=regression") == 0
        inputs = {"city": np.array(["Oslo", ""], object)}
        for form, predict in (("json", predict_json), ("onnx", predict_onnx), ("sklearn", predict_sklearn)):
            assert cli.run(["export", "run", "--format", form, "--output", f"m.{form}"]) == 0
            content = Path(f"m.{form}").read_bytes()
            if form == "sklearn":
                with pytest.raises(ValueError, match="NaN"):
                    predict(content, inputs)
            else:
                assert np.isnan(predict(content, inputs)[0][:, 0]).tolist() == [False, True]


def test_unseen_levels_are_one_line(workplace, capsys):
    write("f.csv", {"id": ["a", "b"] * 30, "y": [1.0, 2.0] * 30})
    assert train("data.path=f.csv", "data.target=y", "data.task=regression") == 0
    write("new.csv", {"id": [f"new{i}" for i in range(5600)], "z": [0] * 5600})
    capsys.readouterr()
    predicted("run", "new.csv")
    said = [line for line in capsys.readouterr().err.splitlines() if "no level" in line]
    assert said == [
        "note: 5600 rows: column id: no level of the training data, counts as none of them (such as 'new0')"
    ]


class TestWeights:
    def test_a_row_of_weight_zero_is_no_row(self, workplace):
        """80 rows around 0 of weight 1, 20 rows around 100 of weight 0: as without these, with a penalty too."""
        rng = np.random.default_rng(0)
        a = np.concatenate([rng.normal(size=80), rng.normal(100, 50, 20)])
        c = ["u", "v"] * 40 + ["w"] * 20
        y = a + rng.normal(size=100)
        w = [1.0] * 80 + [0.0] * 20
        columns = {"a": a.tolist(), "c": c, "y": y.tolist(), "w": w}
        write("f.csv", columns)
        write("kept.csv", {name: values[:80] for name, values in columns.items()})
        options = ("data.target=y", "data.weight=w", "penalty=l2", "penalty.strength=0.1", "data.missing=mean")
        for name in ("f", "kept"):
            assert train(f"data.path={name}.csv", *options, run=name) == 0
        found, wanted = linnet.load("f").model, linnet.load("kept").model
        assert found.feature_names == wanted.feature_names
        np.testing.assert_allclose(found.weight, wanted.weight, rtol=1e-10)
        np.testing.assert_allclose(found.bias, wanted.bias, rtol=1e-10)

    def test_an_imputed_mean_is_the_weighted_one(self, workplace):
        write("f.csv", {"a": [1.0, 4.0, ""] * 20, "y": [1.0, 2.0, 3.0] * 20, "w": [2.0, 1.0, 1.0] * 20})
        options = ("data.target=y", "data.task=regression", "data.weight=w", "data.missing=mean")
        assert train("data.path=f.csv", *options) == 0
        node = json.loads(Path("run/preprocessing.json").read_text())
        assert node["table"]["columns"][0]["mean"] == pytest.approx(2)


def test_a_constant_column_is_kept_without_a_bias(workplace):
    """It stands for the bias that the model has not: y = 3 + 2 a."""
    a = np.linspace(0, 1, 30)
    write("f.csv", {"one": [1.0] * 30, "a": a.tolist(), "y": (3 + 2 * a).tolist()})
    assert train("data.path=f.csv", "data.target=y", "model.bias=false") == 0
    found = linnet.load("run").model
    assert found.feature_names == ("one", "a")
    np.testing.assert_allclose(found.weight[0], [3, 2], rtol=1e-12)
    assert found.bias[0] == 0
