"""What `data=arrays` refuses: one line, with the file or the key, and the remedy."""

from typing import Any

import numpy as np
import pytest
from shards import source, train, write_all, write_shards

from linnet.data import prepare
from linnet.system.errors import InputError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_all(tmp_path_factory.mktemp("shards"))


class TestRefused:
    X, Y = np.zeros((20, 3), np.float32), np.arange(20) % 2

    @pytest.mark.parametrize(
        ("x", "y", "words"),
        [
            (X, Y[:19], ["x.npy has 20 rows, but", "y.npy 19"]),
            (X.astype(object), Y, ["x.npy holds Python objects", "numbers"]),
            (X.astype(complex), Y, ["x.npy holds complex128", "float32"]),
            (X[:0], Y[:0], ["x.npy", "at least one row"]),
            (X, Y * 0, ["data.y has one class only, 0", "nothing to tell apart"]),
            (X, np.array(["cat"] * 20), ["data.y has one class only, cat"]),
            (X, np.array(["cat"] * 19 + [" "]), ["data.y has no label in row 19 (counted from 0)"]),
            (X, np.array([b"\xff"] * 20), ["data.y holds bytes that are not UTF-8"]),
            (X, np.arange(20) * 7, ["data.y has 20 classes in 20 rows (0, 7, 14, 21, 28 and 15 more)", "data.task"]),
            (X, np.ones((20, 2), int), ["data.y has 2 numbers a row", "a single 1"]),
            (X, np.zeros((20, 2, 2)), ["data.y: expected whole numbers [n]", "floating-point"]),
            (X.astype(str), Y, ["x.npy holds <U32: expected numbers"]),
            (X, np.full(20, np.nan), ["data.y holds values that are not finite"]),
            (X, np.full(20, np.inf), ["data.y holds values that are not finite"]),
        ],
        ids=lambda value: None if isinstance(value, list) else "",
    )
    def test_arrays_that_are_not_to_be_trained_on(self, x, y, words, tmp_path):
        np.save(tmp_path / "x.npy", x, allow_pickle=True)
        np.save(tmp_path / "y.npy", y)
        self.says(words, tmp_path / "x.npy", tmp_path / "y.npy")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", ["x.npy is not an .npy file"]),
            (b"a,b\n1,2\n", ["x.npy is not an .npy file", "numpy.save"]),
            (b"\x93NUMPY\x01\x00", ["x.npy cannot be read"]),
            (b"\x93NUMPY\x01\x00\x10\x00{'descr': __import__", ["x.npy cannot be read"]),
        ],
    )
    def test_files_that_are_none(self, content, words, tmp_path):
        (tmp_path / "x.npy").write_bytes(content)
        np.save(tmp_path / "y.npy", self.Y)
        self.says(words, tmp_path / "x.npy", tmp_path / "y.npy")

    def test_truncated(self, tmp_path):
        np.save(tmp_path / "x.npy", self.X)
        np.save(tmp_path / "y.npy", self.Y)
        (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-1])
        self.says(["x.npy cannot be read (it is shorter than its header says)"], tmp_path / "x.npy", tmp_path / "y.npy")

    @pytest.mark.parametrize(("kind", "words"), [
        ("float16", ["data.x", "x_1.npy has nan in row 3, column 2 (counted from 0)", "leave out"]),
        ("float32", ["data.x", "x_1.npy has nan in row 3, column 2 (counted from 0)", "leave out"]),
    ])  # fmt: skip
    @pytest.mark.parametrize("memory", [1, 256])
    def test_features_that_are_not_finite(self, kind, words, memory, tmp_path):
        x = np.zeros((9_000, 100), kind)
        x[5_003, 2] = np.nan
        files = [write_shards(tmp_path, name, array, (5_000, 4_000)) for name, array in (("x", x), ("y", x[:, 0]))]
        with pytest.raises(InputError) as caught:
            prepare(source(*files, max_memory_mb=memory), 256, 0.0, True, 0, seed=0)
        self.check(words, str(caught.value))

    @pytest.mark.parametrize(("memory", "words"), [
        (1, ["x.npy has 1e+300 in row 5003, column 2 (counted from 0)", "data.dtype=float64"]),
        (256, ["a feature of 1e+300 is too large for data.dtype=float32", "data.dtype=float64"]),
    ])  # fmt: skip
    def test_features_too_large_for_float32_unless_standardised(self, memory, words, tmp_path):
        x = np.random.default_rng(0).normal(size=(9_000, 100))
        x[5_003, 2] = 1e300
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", x[:, 0])
        found = source(tmp_path / "x.npy", tmp_path / "y.npy", max_memory_mb=memory)
        with pytest.raises(InputError) as caught:
            data = prepare(found, 256, 0.0, False, 0, seed=0, dtype="float32")
            list(data.train.chunks(1000))
        self.check(words, str(caught.value))
        data = prepare(found, 256, 0.0, True, 0, seed=0, dtype="float32")
        largest = max(float(batch.x.abs().max()) for batch in data.train.chunks(1000))
        assert largest == pytest.approx(9_000**0.5, rel=1e-3)  # one value of n that is far from the others

    def test_missing(self, tmp_path, files):
        self.says(["data.x=", "no such file"], tmp_path / "x.npy", files["y"])
        self.says(["data.y=", "no file has such a name"], files["x"], tmp_path / "*.npy")
        self.says(["data.x names 3 files, data.y 1"], files["x"], files["y"].replace("*", "0"))

    def test_shards_of_different_rows(self, tmp_path):
        for i in (3, 4):
            np.save(tmp_path / f"x_{i}.npy", np.zeros((20, i)))
            np.save(tmp_path / f"y_{i}.npy", self.Y if i == 3 else self.Y / 2)
        self.says(["x_4.npy has rows of shape [4]", "x_3.npy of [3]"], tmp_path / "x_*.npy", tmp_path / "y_*.npy")
        same = tmp_path / "x_3.npy"
        np.save(tmp_path / "x_4.npy", self.X)
        self.says(["int64 [20]", "float64 [20]"], tmp_path / "x_*.npy", tmp_path / "y_*.npy")
        np.save(tmp_path / "w.npy", np.zeros((20, 5)))
        given = {"x_test": str(tmp_path / "w.npy"), "y_test": str(tmp_path / "y_3.npy")}
        self.says(["data.x_test", "5 numbers a row", "3"], same, tmp_path / "y_3.npy", **given)
        self.says(["data.y_val is missing"], same, tmp_path / "y_3.npy", x_val=str(same))
        given = {"x_test": str(same), "y_test": str(tmp_path / "y_4.npy")}
        self.says(["data.y_test are numbers, 0.5 is not whole"], same, tmp_path / "y_3.npy", **given)

    @pytest.mark.parametrize(
        ("overrides", "words"),
        [
            (["model=linear_regression", "loss=squared_error"], ["data.y are classes", "loss=cross_entropy"]),
            (["data.max_memory_mb=1", "data.outliers=3"], ["data.outliers=3", "data.max_memory_mb"]),
            (["data.max_memory_mb=1", "optimizer=exact", "penalty=l2"], ["optimizer=exact", "data.max_memory_mb"]),
            (["data.x=null"], ["data.x=None", "data.x='my/x_*.npy'"]),
            (["data.max_memory_mb=0"], ["data.max_memory_mb=0", "[1, inf)"]),
            (["data.val_fraction=null"], ["data.val_fraction=null", "give a number"]),
            (["model=linear_regression"], ["data.y are classes", "model=softmax_regression"]),
            (["data.normalize=columns"], ["data.normalize=columns", "one of none, rows"]),
        ],
    )
    def test_configurations(self, overrides, words, files, tmp_path):
        with pytest.raises(InputError) as caught:
            train(tmp_path / "run", files, *overrides)
        self.check(words, str(caught.value))

    def test_numbers_for_a_classifier(self, files, tmp_path):
        with pytest.raises(InputError) as caught:
            train(tmp_path / "run", files, "model=softmax_regression", y="t")
        self.check(["data.y are numbers", "model=linear_regression loss=squared_error"], str(caught.value))

    def says(self, words: list[str], x: Any, y: Any, **options: Any) -> None:
        with pytest.raises(InputError) as caught:
            source(x, y, **options)
        self.check(words, str(caught.value))

    def check(self, words: list[str], message: str) -> None:
        assert len(message.splitlines()) == 1
        assert all(word in message for word in words), message
