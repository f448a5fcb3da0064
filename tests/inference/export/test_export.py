"""`linnet export`: what it refuses, and that it writes nothing that it has not checked."""

import json
import sys
from dataclasses import replace
from importlib import import_module

import joblib
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from tables import people, write_csv

import linnet
from linnet.cli import main as cli
from linnet.cli.export import export
from linnet.data.table.column import Column
from linnet.data.table.preprocessing import Preprocessing, Target
from linnet.inference.export import as_json, as_onnx, as_sklearn, check
from linnet.inference.predictor import Predictor, load_predictor
from linnet.system.errors import InputError
from linnet.tracking.run_config import load_config

FORMATS = ("onnx", "sklearn", "json")
MODULES = {"onnx": as_onnx, "sklearn": as_sklearn, "json": as_json}


@pytest.fixture
def run(workplace):
    write_csv(workplace / "f.csv", people())
    options = ["data=table", "data.path=f.csv", "data.target=y", "trainer.max_epochs=1", "figures=false"]
    return linnet.train([*options, "hydra.run.dir=houses"]).directory


class TestCommand:
    @pytest.mark.parametrize(
        ("kind", "name"), [("onnx", "houses.onnx"), ("sklearn", "houses.joblib"), ("json", "houses.json")]
    )
    def test_names_the_file_after_the_run_and_never_replaces_one(self, run, workplace, capsys, kind, name):
        assert cli.run(["export", "houses", "--format", kind]) == 0
        out = capsys.readouterr().out
        assert f"file    {name}" in out
        assert "number: age; boolean: smoker; category: city" in out
        assert "100 rows of f.csv and 1000 made-up rows" in out
        before = (workplace / name).read_bytes()
        assert cli.run(["export", "houses", "--format", kind]) == 2
        assert f"{name} exists: remove it, or give another --output" in capsys.readouterr().err
        assert (workplace / name).read_bytes() == before

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["nowhere", "--format", "json"], "nowhere is no run directory"),
            (["houses"], "required: --format"),
            (["houses", "--format", "pmml"], "invalid choice: 'pmml'"),
            (["houses", "--format", "json", "--output", "no/f.json"], "no is no directory"),
        ],
    )
    def test_answers_mistakes_in_one_line(self, run, workplace, capsys, given, words):
        before = sorted(workplace.iterdir())
        capsys.readouterr()
        assert cli.run(["export", *given]) == 2
        out, err = capsys.readouterr()
        assert words in err
        assert (out, len(err.splitlines())) == ("", 1)
        assert sorted(workplace.iterdir()) == before

    @pytest.mark.parametrize(("kind", "package"), [("onnx", "onnx"), ("onnx", "onnxruntime"), ("sklearn", "pandas")])
    def test_says_which_package_is_missing(self, run, capsys, monkeypatch, kind, package):
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.delitem(sys.modules, "linnet.inference.export.as_onnx")
        assert cli.run(["export", "houses", "--format", kind]) == 2
        assert f"--format {kind} needs a package: pip install {package}\n" in capsys.readouterr().err
        monkeypatch.undo()
        import_module("linnet.inference.export.as_onnx")


class TestCheck:
    @pytest.mark.parametrize("kind", FORMATS)
    def test_finds_every_wrong_coefficient_and_writes_nothing(self, run, workplace, capsys, monkeypatch, kind):
        predictor = load_predictor(run)
        to_bytes = MODULES[kind].to_bytes
        for i in range(predictor.n_features):
            weight = predictor.weight.copy()
            weight[0, i] += 1e-3
            monkeypatch.setattr(
                MODULES[kind], "to_bytes", lambda _, wrong=weight: to_bytes(replace(predictor, weight=wrong))
            )
            with pytest.raises(InputError, match="nothing was written"):
                export(predictor, load_config(run), kind)
        before = sorted(workplace.iterdir())
        assert cli.run(["export", "houses", "--format", kind]) == 2
        assert "would not predict what the run does" in capsys.readouterr().err
        assert sorted(workplace.iterdir()) == before

    @pytest.mark.parametrize("kind", FORMATS)
    def test_of_made_up_rows_alone_sees_every_coefficient_in_any_units(self, workplace, monkeypatch, kind):
        far, near = Column("far", "number", 2e9, True), Column("near", "number", 1e-9)
        category = Column("c", "category", None, True, ("a", "b"), True)
        table = Preprocessing((far, near, category), Target("y", "regression"), "mean")
        weight = np.array([[1e-9, 0.5, 1e9, -1, 2, 0.3, 0.7]])
        predictor = Predictor(weight, np.zeros(1), "regression", "identity", table=table)
        config = {"data": {"_target_": "linnet.data.table_rows", "path": "no.csv", "delimiter": None, "encoding": None}}
        export(predictor, config, kind)
        to_bytes = MODULES[kind].to_bytes
        for i in range(7):
            wrong = replace(predictor, weight=weight * (1 + 1e-3 * (np.arange(7) == i)))
            monkeypatch.setattr(MODULES[kind], "to_bytes", lambda _, wrong=wrong: to_bytes(wrong))
            with pytest.raises(InputError, match="nothing was written"):
                export(predictor, config, kind)

    @pytest.mark.parametrize("change", ["gone", "another"])
    def test_does_without_data_that_is_not_there(self, run, workplace, capsys, change):
        if change == "gone":
            (workplace / "f.csv").unlink()
        else:
            write_csv(workplace / "f.csv", {"age": ["old"], "z": [1]})
        assert cli.run(["export", "houses", "--format", "json"]) == 0
        assert "against the run on 1000 made-up rows" in capsys.readouterr().out

    def test_reads_the_arrays_of_the_run_and_does_without_those_that_are_no_longer_numbers(self, workplace, capsys):
        x = np.random.default_rng(0).normal(size=(50, 2, 3))
        np.save("x.npy", x)
        np.save("y.npy", x.sum(axis=(1, 2)))
        linnet.train(
            ["figures=false", "optimum=off", "data=arrays", "data.x=x.npy", "data.y=y.npy", "hydra.run.dir=sums"]
        )
        capsys.readouterr()
        for kind in ("json", "onnx"):
            assert cli.run(["export", "sums", "--format", kind]) == 0
            assert "against the run on 50 training examples and 1000 made-up rows" in capsys.readouterr().out
        x[0] = np.nan
        np.save("x.npy", x)
        assert cli.run(["export", "sums", "--format", "json", "--output", "again.json"]) == 0
        assert "against the run on 1000 made-up rows" in capsys.readouterr().out

    def test_made_up_rows_hold_every_level_an_unseen_one_and_missing_values(self):
        columns = (Column("n", "number", 3.0, True), Column("c", "category", None, True, ("a", "b"), True))
        table = Preprocessing(columns, Target("y", "regression"), "mean")
        predictor = Predictor(np.ones((1, 6)), np.zeros(1), "regression", "identity", table=table)
        (sample,) = check.samples(
            predictor,
            {"data": {"_target_": "linnet.data.table_rows", "path": "no.csv", "delimiter": None, "encoding": None}},
        )
        assert set(sample.inputs["c"]) == {"a", "b", " a\t", " b\t", check.UNSEEN, "NA", " ", None}
        assert 0 < np.isnan(sample.inputs["n"]).sum() < 300
        assert abs(np.nanmean(sample.inputs["n"]) - 3) < 1

    def test_of_classes_looks_at_their_names(self):
        predictor = Predictor(np.eye(2), np.zeros(2), "classification", "softmax", ("a", "b"))
        sample = check.Sample("", np.eye(2), np.array([[0.6, 0.4], [0.5, 0.5]]))
        right = check.largest_difference(sample, sample.expected, np.array(["a", "b"]), predictor)
        wrong = check.largest_difference(sample, sample.expected, np.array(["b", "b"]), predictor)
        assert (right, wrong) == (0, np.inf)
        assert check.largest_difference(sample, np.full((2, 2), np.nan), None, predictor) == np.inf


class TestPredictors:
    """What no run of these tests is like."""

    @pytest.mark.parametrize("kind", FORMATS)
    @pytest.mark.parametrize("shape", [(), (2, 3)])
    def test_of_rows_of_norm_1(self, kind, shape):
        rng = np.random.default_rng(0)
        names = ("a", "b", "c")
        predictor = Predictor(
            rng.normal(size=(3, 6)), rng.normal(size=3), "classification", "softmax", names, image_shape=shape,
            byte_scale=1 / 255 if shape else 1.0, row_norm=True,
        )  # fmt: skip
        x = np.vstack([rng.random((5, 6)), np.zeros((1, 6))])
        found, _ = MODULES[kind].predict(MODULES[kind].to_bytes(predictor), x)
        np.testing.assert_allclose(found, predictor.outputs(predictor.features(x)), rtol=1e-9)

    @pytest.mark.parametrize("kind", FORMATS)
    def test_of_a_level_called_other(self, kind):
        columns = (
            Column("c", "category", None, True, ("", "(other)", "other")[1:], True),
            Column("n", "number", 1e300),
        )
        table = Preprocessing(columns, Target("y", "regression"), "mean")
        predictor = Predictor(np.arange(1.0, 6)[None] * 1e-3, np.zeros(1), "regression", "identity", table=table)
        inputs = {"c": np.array(["(other)", "other", "?", None], object), "n": np.array([0.0, 1, 2, 3])}
        found, _ = MODULES[kind].predict(MODULES[kind].to_bytes(predictor), inputs)
        np.testing.assert_allclose(found[:, 0] * 1e3, [1, 2 + 5, 3 + 10, 4 + 15])

    def test_missing_values_are_no_numbers_where_the_run_refused_them(self):
        table = Preprocessing((Column("n", "number"),), Target("y", "regression"), "error")
        predictor = Predictor(np.ones((1, 1)), np.zeros(1), "regression", "identity", table=table)
        nothing = {"n": np.array([np.nan])}
        found, _ = as_onnx.predict(as_onnx.to_bytes(predictor), nothing)
        assert np.isnan(found).all()
        with pytest.raises(ValueError, match="contains NaN"):
            as_sklearn.predict(as_sklearn.to_bytes(predictor), nothing)
        assert json.loads(as_json.to_bytes(predictor))["columns"][0]["instead_of_missing"] is None

    def test_a_column_named_like_an_output_of_the_graph_is_refused(self):
        table = Preprocessing((Column("prediction", "number"),), Target("y", "regression"), "error")
        predictor = Predictor(np.ones((1, 1)), np.zeros(1), "regression", "identity", table=table)
        with pytest.raises(InputError, match="column prediction is named like a value of the graph"):
            as_onnx.to_bytes(predictor)


@pytest.mark.parametrize("dtype", [object, "str", "category", "string"])
def test_scikit_learn_takes_every_kind_of_text_that_pandas_has(dtype, tmp_path):
    columns = (
        Column("c", "category", None, True, ("Oslo", "Rome"), True),
        Column("zip", "category", None, False, ("3", "4")),
    )
    table = Preprocessing(columns, Target("y", "regression"), "mean")
    predictor = Predictor(2.0 ** np.arange(6)[None], np.zeros(1), "regression", "identity", table=table)
    (tmp_path / "m.joblib").write_bytes(as_sklearn.to_bytes(predictor))
    frame = pd.DataFrame({"c": pd.Series(["Oslo", "Rome", "Lima", None], dtype=dtype), "zip": [3, 4, 5, np.nan]})
    found = joblib.load(tmp_path / "m.joblib").predict(frame)
    assert found.tolist() == [1 + 16, 2 + 32, 4, 8]
    frame["zip"] = ["3", "4", "5", None]
    assert joblib.load(tmp_path / "m.joblib").predict(frame).tolist() == found.tolist()


def test_onnx_takes_pictures_in_their_shape():
    predictor = Predictor(np.ones((1, 6)), np.zeros(1), "regression", "exp", image_shape=(1, 2, 3), byte_scale=1 / 255)
    session = onnxruntime.InferenceSession(as_onnx.to_bytes(predictor))
    assert session.get_inputs()[0].shape == ["N", 1, 2, 3]
    (found,) = session.run(None, {"x": np.full((2, 1, 2, 3), 0.5)})
    np.testing.assert_allclose(found, np.exp(3))
