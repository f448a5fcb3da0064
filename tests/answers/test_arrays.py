"""Arrays as people have them, through the command line: labels by value, absent classes, splits, weights, norms."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score, f1_score, log_loss

from linnet.cli import main as cli

SOLVED = ("optimizer=exact", "penalty=l2", "penalty.strength=0.1", "figures=false", "threads=1")
N = 90


def write(**arrays: Any) -> None:
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)


def examples(n: int = N, seed: int = 0, c: int = 3) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Features `[n, 4]` and classes 0 … c − 1 that mostly follow from them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return x, (x[:, :3] + 0.5 * rng.normal(size=(n, 3)))[:, :c].argmax(axis=1)


def train(*options: str, run: str = "run", y: str = "y.npy") -> int:
    return cli.run(["train", "data=arrays", "data.x=x.npy", f"data.y={y}", f"hydra.run.dir={run}", *SOLVED, *options])


def read(name: str, run: str = "run") -> Any:
    return json.loads((Path(run) / name).read_text())


def weights(run: str = "run") -> "np.ndarray[Any, Any]":
    return load_file(f"{run}/weights.safetensors")["weight"]


def predicted(file: str = "x.npy", run: str = "run") -> list[str]:
    assert cli.run(["predict", run, "--input", file, "--output", "p.csv"]) == 0
    rows = Path("p.csv").read_text().splitlines()
    Path("p.csv").unlink()
    return [row.split(",")[0] for row in rows[1:]]


def refused(capsys: pytest.CaptureFixture[str], *options: str, y: str = "y.npy") -> str:
    capsys.readouterr()
    assert train(*options, run="refused", y=y) == 2
    assert not Path("refused").exists()
    (line,) = capsys.readouterr().err.splitlines()
    return line


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


class TestLabels:
    @pytest.fixture(autouse=True)
    def indices(self, workplace):
        x, y = examples()
        write(x=x, indices=y)
        assert train(y="indices.npy", run="reference") == 0
        assert read("preprocessing.json", "reference")["class_names"] == ["0", "1", "2"]

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


class TestAbsentClass:
    def test_has_no_output_and_counts_as_wrong(self, workplace, capsys):
        x, y = examples()
        x_test, y_test = examples(60, seed=1)
        y_test[:7], y_test[7:9] = 5, 4
        write(x=x, y=y, x_test=x_test, y_test=y_test)
        test = ("data.x_test=x_test.npy", "data.y_test=y_test.npy")
        assert train(*test, "figures=true") == 0
        said = "data.y_test: 9 rows of classes that no training row has (4, 5): counted as wrong, and left"
        assert said in " ".join(capsys.readouterr().out.split())
        assert read("preprocessing.json")["class_names"] == ["0", "1", "2"]
        assert Path("run/figures/confusion_matrix.png").is_file()
        metrics = read("metrics.json")
        found = np.array(predicted("x_test.npy"), np.int64)
        assert metrics["test/accuracy"] == pytest.approx(accuracy_score(y_test, found))
        assert metrics["test/macro_f1"] == pytest.approx(f1_score(y_test, found, average="macro"))
        bound = metrics["test/accuracy_ci95_high"], metrics["test/accuracy_ci95_low"]
        assert bound[1] < metrics["test/accuracy"] < bound[0]
        # Loss and nll are those of a test part without these rows; the weights are those without a test part.
        write(x_test=x_test[9:], y_test=y_test[9:])
        assert train(*test, run="without") == 0
        np.testing.assert_array_equal(weights(), weights("without"))
        for key in ("loss", "nll", "kl_divergence"):
            assert metrics[f"test/{key}"] == pytest.approx(read("metrics.json", "without")[f"test/{key}"], rel=1e-9)
        assert log_loss(y_test[9:], probabilities("x_test.npy")) == pytest.approx(metrics["test/nll"], rel=1e-9)

    def test_is_evaluated_alike_by_evaluate(self, workplace):
        x, y = examples()
        write(x=x, y=y, x_test=x, y_test=np.where(np.arange(N) < 20, 77, y))
        assert train("data.x_test=x_test.npy", "data.y_test=y_test.npy") == 0
        given = ["--input", "x_test.npy", "--target", "y_test.npy", "--output", "e.json"]
        assert cli.run(["evaluate", "run", *given]) == 0
        found, own = json.loads(Path("e.json").read_text()), read("metrics.json")
        for key, value in found.items():
            assert value == pytest.approx(own[key], rel=1e-9), key

    def test_in_validation_is_left_out_of_the_loss_of_training(self, workplace):
        x, y = examples()
        write(x=x, y=y, x_val=x, y_val=np.where(np.arange(N) < 20, 9, y), x_seen=x[20:], y_seen=y[20:])
        options = ("optimizer=sgd", "trainer.max_epochs=3")
        assert train(*options, "data.x_val=x_val.npy", "data.y_val=y_val.npy") == 0
        assert train(*options, "data.x_val=x_seen.npy", "data.y_val=y_seen.npy", run="seen") == 0
        ours, seen = read("metrics.json"), read("metrics.json", "seen")
        assert ours["val/loss"] == pytest.approx(seen["val/loss"], rel=1e-6)
        assert ours["val/accuracy"] == pytest.approx(seen["val/accuracy"] * 70 / 90)

    def test_counts_alike_for_models_side_by_side(self, workplace):
        x, y = examples()
        write(x=x, y=y, x_test=x, y_test=np.where(np.arange(N) < 20, 9, y))
        given = ["data=arrays", "data.x=x.npy", "data.y=y.npy", "data.x_test=x_test.npy", "data.y_test=y_test.npy"]
        given += ["trainer.max_epochs=2", "figures=false", "threads=1"]
        assert cli.run(["train", "-m", *given, "optimizer.lr=0.1,0.2", "hydra/launcher=vectorized",
                        "hydra.sweep.dir=sweep"]) == 0  # fmt: skip
        assert cli.run(["train", *given, "optimizer.lr=0.2", "hydra.run.dir=alone"]) == 0
        found = read("metrics.json", "sweep/1")
        for key, value in read("metrics.json", "alone").items():
            assert found[key] == pytest.approx(value, rel=1e-4), key

    def test_of_data_larger_than_memory_is_refused(self, workplace, capsys):
        write(x=np.zeros((40_000, 10)), y=np.arange(40_000) % 2, far=np.arange(40_000) % 3)
        line = refused(capsys, "data.x_test=x.npy", "data.y_test=far.npy", "data.max_memory_mb=1", "optimizer=sgd")
        assert "data.y_test: 13333 rows of classes that no training row has (2): leave them out" in line

    def test_alone_in_a_part_is_refused(self, workplace, capsys):
        x, y = examples()
        write(x=x, y=y, far=np.full(N, 9))
        line = refused(capsys, "data.x_test=x.npy", "data.y_test=far.npy")
        assert "data.y_test: 90 rows of classes that no training row has (9), and no others" in line


def probabilities(file: str) -> "np.ndarray[Any, Any]":
    assert cli.run(["predict", "run", "--input", file, "--output", "p.csv"]) == 0
    rows = [line.split(",") for line in Path("p.csv").read_text().splitlines()]
    columns = [i for i, name in enumerate(rows[0]) if name.startswith("probability_")]
    return np.array([[float(row[i]) for i in columns] for row in rows[1:]])


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


class TestEmbeddings:
    @pytest.fixture(autouse=True)
    def reference(self, workplace):
        x, y = examples()
        write(x=x.astype(np.float32), y=np.array(["cat", "dog", "zebra"])[y])
        assert train() == 0
        self.x, self.y = np.load("x.npy"), np.load("y.npy")

    def solved(self, x: str, y: str, *options: str) -> None:
        given = [f"data.x={x}", f"data.y={y}", "hydra.run.dir=other", *SOLVED, *options]
        assert cli.run(["train", "data=arrays", *given]) == 0
        assert read("preprocessing.json", "other")["class_names"] == read("preprocessing.json")["class_names"]
        np.testing.assert_array_equal(weights("other"), weights())

    @pytest.mark.parametrize("kind", [
        pa.list_(pa.float32()), pa.list_(pa.float32(), 4), pa.large_list(pa.float64()),
    ])  # fmt: skip
    def test_in_a_column_of_lists(self, kind):
        columns = {"embedding": pa.array(list(self.x), kind), "label": pa.array(self.y).dictionary_encode()}
        parquet.write_table(pa.table(columns), "e.parquet", row_group_size=7)
        self.solved("e.parquet:embedding", "e.parquet:label")
        assert predicted("e.parquet:embedding", "other") == predicted()
        given = ["--input", "e.parquet:embedding", "--target", "e.parquet:label", "--output", "m.json"]
        assert cli.run(["evaluate", "other", *given]) == 0
        found = np.mean(np.array(predicted()) == self.y)
        assert json.loads(Path("m.json").read_text())["test/accuracy"] == pytest.approx(found)

    def test_in_several_files(self):
        for i, rows in enumerate((slice(0, 40), slice(40, N))):
            columns = {"x": list(self.x[rows]), "y": self.y[rows]}
            parquet.write_table(pa.table(columns), f"part_{i}.parquet")
        self.solved("'part_*.parquet'", "'part_*.parquet'")

    @pytest.mark.parametrize("older", [False, True])
    def test_in_tensors(self, older):
        codes = torch.from_numpy(np.searchsorted(["cat", "dog", "zebra"], self.y))
        saved = {"features": torch.from_numpy(self.x), "labels": codes, "epoch": 3}
        torch.save(saved, "e.pt", _use_new_zipfile_serialization=not older)
        torch.save(saved["features"], "x.pt", _use_new_zipfile_serialization=not older)
        given = ["data.x=x.pt", "data.y=e.pt:labels", "data.task=classification", "hydra.run.dir=other", *SOLVED]
        assert cli.run(["train", "data=arrays", *given]) == 0
        np.testing.assert_array_equal(weights("other"), weights())
        assert predicted("e.pt:features", "other") == predicted("x.npy", "other")

    def test_of_a_type_that_torch_only_has(self):
        torch.save(torch.from_numpy(self.x).bfloat16(), "x.pt")
        np.save("rounded.npy", torch.from_numpy(self.x).bfloat16().float().numpy())
        for i, x in enumerate(("x.pt", "rounded.npy")):
            assert cli.run(["train", "data=arrays", f"data.x={x}", "data.y=y.npy", f"hydra.run.dir=r{i}", *SOLVED]) == 0
        np.testing.assert_array_equal(weights("r0"), weights("r1"))

    def says(self, capsys: pytest.CaptureFixture[str], words: str, *given: str) -> None:
        capsys.readouterr()
        assert cli.run(["train", "data=arrays", "data.y=y.npy", "hydra.run.dir=refused", *SOLVED, *given]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
        assert not Path("refused").exists()

    def test_that_cannot_be_read_are_refused_in_one_line(self, capsys):
        rows = list(self.x)
        columns = {
            "short": [row[: 3 if i == 5 else 4] for i, row in enumerate(rows)],
            "gap": [None if i == 5 else row for i, row in enumerate(rows)],
            "hole": [[None, 1.0] if i == 5 else [0.0, 1.0] for i in range(N)],
            "text": ["a"] * N,
            "words": [["a"]] * N,
        }
        parquet.write_table(pa.table(columns), "e.parquet")
        for name, words in {
            "short": "e.parquet:short has 3 numbers in row 5 (counted from 0) and 4 in the first",
            "gap": "e.parquet:gap has no value in row 5",
            "hole": "e.parquet:hole has no value in row 5",
            "text": "e.parquet:text holds <U1: expected numbers",
            "words": "e.parquet:words holds string: expected numbers, lists of numbers",
            "other": "data.x=e.parquet: no array is named other, there are gap, hole, short, text, words",
        }.items():
            self.says(capsys, words, f"data.x=e.parquet:{name}")
        torch.save(Harmless(), "x.pt")
        self.says(capsys, "x.pt holds more than tensors and is not read", "data.x=x.pt")
        torch.save({"x": 1}, "x.pt")
        self.says(capsys, "data.x=x.pt: there are no arrays in this file", "data.x=x.pt")
        Path("x.pt").write_bytes(b"no tensor")
        self.says(capsys, "x.pt", "data.x=x.pt")
        torch.save(torch.zeros(40_000, 10), "x.pt")
        np.save("many.npy", np.arange(40_000) % 2)
        given = ("data.x=x.pt", "data.y=many.npy", "data.max_memory_mb=1")
        self.says(capsys, "x.pt can be read as a whole only, but the examples take 2 MiB", *given)
        torch.save(torch.zeros(N), "y.pt")
        self.says(capsys, "data.y=y.pt: whether it holds classes or numbers", "data.x=x.npy", "data.y=y.pt")


class Harmless:
    """Needs unpickling that runs code of the file."""


class TestWeights:
    @pytest.mark.parametrize("kind", ["float16", "float64"])
    def test_of_two_equal_two_rows(self, kind, workplace):
        x, y = examples()
        x = x.astype(kind)
        w = np.arange(N) % 3  # 0, 1 and 2
        write(x=x, y=y, w=w)
        assert train("data.weight=w.npy", "data.val_fraction=0") == 0
        write(x=x.repeat(w, axis=0), y=y.repeat(w))
        assert train("data.val_fraction=0", run="repeated") == 0
        ours, theirs = read("metrics.json"), read("metrics.json", "repeated")
        assert ours["train/objective"] == pytest.approx(theirs["train/objective"], rel=1e-9)
        np.testing.assert_allclose(weights(), weights("repeated"), rtol=1e-6, atol=1e-8)

    def test_of_a_validation_part_go_with_its_rows(self, workplace):
        x, y = examples()
        write(x=x, y=y, w=np.full(N, 3.0))
        assert train("data.weight=w.npy") == 0
        assert train(run="without") == 0
        for key in ("train/loss", "val/loss"):
            assert read("metrics.json")[key] == pytest.approx(read("metrics.json", "without")[key], rel=1e-12)

    @pytest.mark.parametrize(("change", "words"), [
        (lambda w: -w, "the weight is negative in row 0, 1, 2, 3, 4 and 85 more"),
        (lambda w: w * np.inf, "not finite in row 0"),
        (lambda w: w * 0, "all weights are 0"),
        (lambda w: w[1:], "has 89 rows of width 1, expected one weight for each of the 90"),
    ])  # fmt: skip
    def test_that_are_none_are_refused(self, change, words, workplace, capsys):
        x, y = examples()
        write(x=x, y=y, w=change(np.ones(N)))
        assert words in refused(capsys, "data.weight=w.npy")

    def test_of_data_larger_than_memory_are_refused(self, workplace, capsys):
        write(x=np.zeros((40_000, 10)), y=np.arange(40_000) % 2, w=np.ones(40_000))
        assert "data.weight=w.npy: the examples take" in refused(capsys, "data.weight=w.npy", "data.max_memory_mb=1")


@pytest.mark.parametrize(("entry", "kind"), [(1e38, "float32"), (1e200, "float64"), (1e-40, "float32")])
def test_norms_of_rows_neither_overflow_nor_vanish(entry, kind, workplace):
    rng = np.random.default_rng(0)
    x = (rng.choice([-1, 1], (N, 9)) * np.float64(entry)).astype(kind)
    write(x=x, y=np.arange(N) % 2)
    import linnet

    options = ["data.normalize=rows", "data.standardize=false", "data.dtype=float64", "data.val_fraction=0"]
    run = linnet.train(["data=arrays", "data.x=x.npy", "data.y=y.npy", *SOLVED, *options, "hydra.run.dir=run"])
    np.testing.assert_allclose(run.data.train.x.double(), np.sign(x) / 3, rtol=1e-6)
