"""Labels of arrays, through the command line: classes by value, whatever their type, and their split."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from array_runs import SOLVED, N, examples, predicted, read, refused, train, weights, write

from linnet.cli import main as cli

LABELS = {
    "one to C": ([1, 2, 3], "int64"),
    "with gaps": ([0, 7, 300], "int32"),
    "negative": ([-10, -9, 1], "int8"),
    "beyond 2^53": ([10**18, 10**18 + 1, 10**18 + 200], "int64"),
    "beyond 2^63": ([2**64 - 3, 2**64 - 2, 2**64 - 1], "uint64"),
    "whole floats": ([-1.0, 2.0, 10.0], "float32"),
    "text": (["cat", "dog", "zebra"], "<U5"),
    "bytes": ([b"9a", b"a", b"\xc3\xa4"], "S"),
    "numbers as text": (["2", "10", "300"], "<U3"),
    "codes": (["007", "01", "1"], "<U3"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run on classes by index."""
    folder = tmp_path_factory.mktemp("indices")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        x, y = examples()
        write(x=x, indices=y)
        assert train(y="indices.npy", run="reference") == 0
        assert read("preprocessing.json", "reference")["class_names"] == ["0", "1", "2"]
    return folder


class TestLabels:
    @pytest.fixture(autouse=True)
    def indices(self, trained, workplace):
        shutil.copytree(trained, workplace, dirs_exist_ok=True)

    @pytest.mark.parametrize("name", LABELS)
    def test_are_classes_by_value_in_order(self, name):
        values, kind = LABELS[name]
        _, y = examples()
        names = [value.decode() if isinstance(value, bytes) else str(value).removesuffix(".0") for value in values]
        write(y=np.array(values, kind)[y])
        assert train() == 0
        assert read("preprocessing.json")["class_names"] == names
        np.testing.assert_array_equal(weights(), weights("reference"))
        assert predicted() == [names[int(k)] for k in predicted(run="reference")]
        assert cli.run(["evaluate", "run", "--input", "x.npy", "--target", "y.npy", "--output", "ours.json"]) == 0
        given = ["--input", "x.npy", "--target", "indices.npy", "--output", "reference.json"]
        assert cli.run(["evaluate", "reference", *given]) == 0
        assert Path("ours.json").read_text() == Path("reference.json").read_text()

    @pytest.mark.parametrize("kind", ["uint8", "bool", "float32"])
    def test_are_the_columns_of_one_hot_rows(self, kind):
        _, y = examples()
        write(y=np.eye(5)[y + 1].astype(kind))  # two columns without a 1 are no classes
        assert train() == 0
        assert read("preprocessing.json")["class_names"] == ["1", "2", "3"]
        np.testing.assert_array_equal(weights(), weights("reference"))

    def test_are_read_from_files_larger_than_memory(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(40_000, 10)).astype(np.float32), np.arange(40_000) % 3
        write(x=x, y=np.array([-1, 4, 7])[y], z=y)
        options = ("optimizer=sgd", "data.max_memory_mb=1", "trainer.max_epochs=1")
        assert train(*options) == 0
        assert train(*options, run="indices", y="z.npy") == 0
        assert read("preprocessing.json")["class_names"] == ["-1", "4", "7"]
        np.testing.assert_array_equal(weights(), weights("indices"))

    def test_in_floating_point_are_numbers_where_that_is_said(self):
        _, y = examples()
        write(y=y.astype(np.float32))
        for i, options in enumerate((["data.task=regression"], ["model=linear_regression", "loss=squared_error"])):
            assert train(*options, run=f"run{i}") == 0
            assert read("preprocessing.json", f"run{i}")["task"] == "regression"
        write(y=np.arange(N, dtype=np.float32))  # as many values as rows
        assert train(run="numbers") == 0
        assert read("preprocessing.json", "numbers")["task"] == "regression"

    def test_of_integer_types_are_numbers_where_that_is_said(self):
        x, _ = examples()
        write(y=np.rint(x @ [3.0, -2.0, 0.0, 1.0]).astype(np.int64))
        assert train("data.task=regression") == 0
        assert read("metrics.json")["train/r2"] > 0.9

    def test_alone_are_refused_in_one_line(self, capsys):
        write(y=np.full(N, 3))
        assert "data.y has one class only, 3" in refused(capsys)


class TestSplit:
    def test_is_of_every_class_in_equal_shares(self, workplace):
        x, _ = examples(101)
        y = np.repeat(["a", "b", "c", "d"], [60, 30, 10, 1])
        write(x=x, y=y)
        assert train("figures=false") == 0
        import linnet

        run = linnet.train(["data=arrays", "data.x=x.npy", "data.y=y.npy", *SOLVED, "hydra.run.dir=again"])
        assert np.bincount(run.data.val.y, minlength=4).tolist() == [6, 3, 1, 0]
        assert np.bincount(run.data.train.y, minlength=4).tolist() == [54, 27, 9, 1]
