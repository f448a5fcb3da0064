"""Each format predicts 1000 new examples as the run does, read by those who would use it: no function of linnet is
between the file and its predictions.
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from exported_runs import Exported

from linnet.cli import main as cli

TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}


@pytest.fixture
def written(exported: Exported, tmp_path: Path, capsys):
    """A function of a format: the file that `linnet export` writes of the run."""

    def path_of(kind: str) -> Path:
        path = tmp_path / f"model.{kind}"
        assert cli.run(["export", str(exported.directory), "--format", kind, "--output", str(path)]) == 0
        assert "checked against the run on" in capsys.readouterr().out
        return path

    return path_of


def assert_classes(found: np.ndarray, exported: Exported) -> None:
    names = np.array(exported.predictor.class_names)
    assert list(found) == names[exported.expected.argmax(axis=1)].tolist()


class TestONNX:
    def test_predicts_what_the_run_does(self, exported, written):
        session = onnxruntime.InferenceSession(written("onnx"))
        if isinstance(exported.inputs, Path):
            frame = pd.read_csv(exported.inputs)
            fed = {}
            for node in session.get_inputs():
                values = frame[node.name]
                if node.type == "tensor(string)":
                    if node.name == "zip":
                        values = values.astype("Int64")
                    values = values.astype(object).map(str, na_action="ignore").fillna("").to_numpy(object)
                else:
                    values = values.astype(float).to_numpy()
                fed[node.name] = values[:, None]
        else:
            fed = {"x": exported.inputs.reshape(-1, *(exported.predictor.image_shape or exported.inputs.shape[1:]))}
        outputs = dict(zip([node.name for node in session.get_outputs()], session.run(None, fed), strict=True))
        if exported.predictor.task == "classification":
            np.testing.assert_allclose(outputs["probabilities"], exported.expected, **TOLERANCE)
            assert_classes(outputs["prediction"], exported)
        else:
            assert list(outputs) == ["prediction"]
            np.testing.assert_allclose(outputs["prediction"], exported.expected, **TOLERANCE)

    def test_is_of_standard_operators_that_old_runtimes_know(self, written):
        model = onnx.load(written("onnx"))
        assert {opset.domain: opset.version for opset in model.opset_import} == {"": 17, "ai.onnx.ml": 3}
        assert model.ir_version == 8
        onnx.checker.check_model(model, full_check=True)


PROGRAM = """
import sys
sys.modules["linnet"] = None  # not installed
import joblib, numpy, pandas
for line in sys.stdin:
    source, data, target = line.rstrip("\\n").split("|")
    model = joblib.load(source)
    x = pandas.read_csv(data) if data.endswith(".csv") else numpy.load(data)
    if isinstance(x, pandas.DataFrame):
        x = x[x.columns[::-1]]
    classes = hasattr(model, "predict_proba")
    numpy.savez(target, prediction=model.predict(x), chances=model.predict_proba(x) if classes else 0)
    assert not any(name.startswith("linnet.") for name in sys.modules)
    print("done", flush=True)
"""


@pytest.fixture(scope="session")
def without_linnet() -> Iterator[Callable[..., None]]:
    """A function of a model, its inputs and a file for predictions, carried out by a process that has no linnet."""
    command = [sys.executable, "-I", "-W", "error::UserWarning", "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None

        def predict(*paths: Path) -> None:
            process.stdin.write("|".join(map(str, paths)) + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"

        yield predict
        process.stdin.close()


class TestScikitLearn:
    def test_predicts_what_the_run_does_without_linnet(self, exported, written, without_linnet, tmp_path):
        inputs = exported.inputs
        if not isinstance(inputs, Path):
            np.save(tmp_path / "x.npy", inputs)
            inputs = tmp_path / "x.npy"
        without_linnet(written("sklearn"), inputs, tmp_path / "found.npz")
        found = np.load(tmp_path / "found.npz")
        classes = exported.predictor.task == "classification"
        numbers = found["chances"] if classes else found["prediction"].reshape(exported.expected.shape)
        np.testing.assert_allclose(numbers, exported.expected, **TOLERANCE)
        if classes:
            assert_classes(found["prediction"], exported)


def predict(model: dict, row: dict) -> list[float]:
    """A predictor from the words of the file alone; row: column -> value, or x -> numbers."""
    score = list(model["bias"])
    for column in model.get("columns", ()):
        value, kind = row[column["name"]], column["kind"]
        if value in (None, "") and kind == "category":
            add = column["if_missing"]
        elif kind == "category":
            add = column["levels"].get(value, column["other"])
        elif value in (None, ""):
            slopes = zip(column["coefficients"], column["if_missing"], strict=True)
            add = [slope * column["instead_of_missing"] + more for slope, more in slopes]
        else:
            number = {"true": 1.0, "false": 0.0}[value] if kind == "boolean" else float(value)
            add = [slope * number for slope in column["coefficients"]]
        score = [a + b for a, b in zip(score, add, strict=True)]
    for c, weights in enumerate(model.get("weight", ())):
        score[c] += sum(w * x for w, x in zip(weights, row["x"], strict=True))
    if model["link"] == "exp":
        return [math.exp(s) for s in score]
    if model["link"] == "softmax":
        powers = [math.exp(s - max(score)) for s in score]
        return [power / sum(powers) for power in powers]
    return score


class TestJSON:
    def test_is_all_that_a_predictor_needs(self, exported, written):
        model = json.loads(written("json").read_text(encoding="utf-8"))
        if isinstance(exported.inputs, Path):
            rows = pd.read_csv(exported.inputs, dtype=str, keep_default_na=False).to_dict("records")
        else:
            rows = [{"x": row} for row in exported.inputs.tolist()]
        np.testing.assert_allclose([predict(model, row) for row in rows], exported.expected, **TOLERANCE)
        assert tuple(model["outputs"]) == exported.predictor.output_names
