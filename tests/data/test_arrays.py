"""`data=arrays` end to end: in memory and streamed, resumed, side by side, larger than memory, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shards import classes, write_shards, write_sparse

import linnet
from linnet.data import Source
from linnet.data import arrays as arrays_source
from linnet.errors import InputError
from linnet.files import read_json
from linnet.life import Run
from linnet.models import network
from linnet.resume import resume
from linnet.sweeps.multirun import multirun

N = 30_000
LENGTHS = (14_000, 999, 15_001)
QUICK = ("data=arrays", "figures=false", "trainer.max_epochs=2", "data.batch_size=100", "threads=1")


def source(x: str, y: str, **options: Any) -> Source:
    given = dict.fromkeys(("x_val", "y_val", "x_test", "y_test")) | {
        "max_memory_mb": 256,
        "dtype": "float32",
        "seed": 0,
    }
    return arrays_source(x=str(x), y=str(y), **{**given, **options})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Shards of 30000 × 20 numbers, 2.3 MiB."""
    folder = tmp_path_factory.mktemp("shards")
    x, y = classes(N)
    target = (x[:, :2] @ np.array([[2.0], [-1.0]]) + 3).astype(np.float32)
    return {
        "x": write_shards(folder, "x", x, LENGTHS),
        "y": write_shards(folder, "y", y, LENGTHS),
        "t": write_shards(folder, "t", target, LENGTHS),
    }


def train(directory: Path, files: dict[str, str], *overrides: str, y: str = "y") -> Run:
    given = [*QUICK, f"data.x='{files['x']}'", f"data.y='{files[y]}'", f"hydra.run.dir={directory}"]
    return linnet.train([*given, *overrides])


class TestRuns:
    def test_streamed_and_in_memory_reach_the_same_figures(self, files, tmp_path):
        test = [f"data.x_test='{files['x']}'", f"data.y_test='{files['y']}'"]
        runs = [train(tmp_path / mb, files, f"data.max_memory_mb={mb}", *test) for mb in ("1", "1024")]
        streamed, dense = runs
        assert streamed.data.train.streamed
        assert not dense.data.train.streamed
        assert streamed.metrics["test/accuracy"] == pytest.approx(dense.metrics["test/accuracy"], abs=0.01)
        assert streamed.metrics["train/loss"] == pytest.approx(dense.metrics["train/loss"], rel=0.02)
        # The rest are intervals that need all predictions, and figures of the optimum.
        assert set(streamed.metrics) <= set(dense.metrics)
        assert {"train/loss", "val/accuracy", "test/accuracy_ci95_low", "train/objective"} <= set(streamed.metrics)

    def test_validation_files_come_before_the_fraction(self, files, tmp_path):
        x, y = classes(500)
        given = [f"data.x_val={write_shards(tmp_path, 'x', x, [500])}", "data.max_memory_mb=1"]
        given += [f"data.y_val={write_shards(tmp_path, 'y', y, [500])}", "trainer.overfit_batches=3"]
        data = train(tmp_path / "run", files, *given).data
        assert data.val is not None
        assert (len(data.train), len(data.val)) == (N, 500)

    def test_several_processes_train_as_one(self, files, tmp_path):
        given = ["data.max_memory_mb=1", "data.dtype=float64", "trainer.overfit_batches=40"]
        one = train(tmp_path / "one", files, *given)
        two = train(tmp_path / "two", files, *given, "trainer=ddp", "trainer.devices=2")
        torch.testing.assert_close(two.model.weight, one.model.weight, rtol=1e-9, atol=1e-12)

    def test_regression(self, files, tmp_path):
        run = train(
            tmp_path, files, "model=linear_regression", "loss=squared_error", "data.max_memory_mb=1", "figures=true",
            y="t",
        )  # fmt: skip
        assert run.metrics["val/r2"] > 0.999
        assert [path.name for path in (tmp_path / "figures").iterdir()] == ["learning_curves.png"]

    def test_resumed_in_the_middle_of_an_epoch_ends_as_if_it_had_not_been(self, files, tmp_path, monkeypatch):
        overrides = ["data.max_memory_mb=1", "callbacks.checkpoint.every_n_steps=50", "optimizer=adam"]
        expected = train(tmp_path / "whole", files, *overrides)

        original = network.train_bundle
        calls = iter(range(100))

        def stop(*given: Any, **named: Any) -> Any:
            if next(calls) == 7:  # of the second epoch, in the middle
                raise KeyboardInterrupt
            return original(*given, **named)

        monkeypatch.setattr(network, "train_bundle", stop)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", files, *overrides)
        monkeypatch.setattr(network, "train_bundle", original)
        resumed = resume(tmp_path / "cut")
        assert torch.equal(resumed.model.weight, expected.model.weight)
        assert resumed.metrics == expected.metrics
        assert resumed.history["train/loss"] == expected.history["train/loss"]

    def test_side_by_side_is_as_alone(self, files, tmp_path):
        alone = train(tmp_path / "alone", files, "data.max_memory_mb=1", "optimizer.lr=0.2")
        multirun(
            [
                *QUICK, f"data.x='{files['x']}'", f"data.y='{files['y']}'", "data.max_memory_mb=1",
                "optimizer.lr=0.1,0.2", "hydra/launcher=vectorized", f"hydra.sweep.dir={tmp_path / 'sweep'}",
            ]
        )  # fmt: skip
        found = read_json(tmp_path / "sweep" / "1" / "metrics.json")
        assert set(found) == set(alone.metrics)
        for key, value in found.items():
            assert value == pytest.approx(alone.metrics[key], rel=1e-4), key

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux only")
    def test_larger_than_memory(self, tmp_path):
        """1.8 GB of features in the files, less than 1 GiB in the memory of the whole process, most of that torch."""
        n, d = 150_000, 1000
        for i in range(3):
            write_sparse(tmp_path / f"x_{i}.npy", "<f4", (n, d))
            np.save(tmp_path / f"y_{i}.npy", np.arange(n, dtype=np.int64) % 5)
        command = [
            "train", "data=arrays", f"data.x={tmp_path}/x_*.npy", f"data.y={tmp_path}/y_*.npy", "data.batch_size=2048",
            "data.standardize=false",
            "trainer.max_epochs=1", "threads=1", f"hydra.run.dir={tmp_path / 'run'}",
        ]  # fmt: skip
        code = (
            "import pathlib, sys\nimport linnet.life\nfrom linnet.cli import main\n"
            "def peak():\n"  # ru_maxrss would begin with that of the process that started this one
            "    return pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
            "imported = peak()\n"
            "try:\n    main()\nfinally:\n    print('peaks', imported, peak(), file=sys.stderr)\n"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, *command], capture_output=True, text=True, cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        imported, peak = (int(kib) * 1024 for kib in ended.stderr.split("peaks ")[1].split()[:2])
        assert peak < 2**30
        # What is allowed, and as much again for TensorBoard, minibatches and predictions.
        assert 0 < peak - imported < 2 * 64 * 2**20


class TestSource:
    @pytest.mark.parametrize("kind", ["float16", "float64", ">f4", "uint8", "int32", "bool"])
    @pytest.mark.parametrize("memory", [1, 256])
    def test_takes_any_numbers_and_shapes(self, kind, memory, tmp_path):
        x = np.random.default_rng(0).integers(0, 2 if kind == "bool" else 100, (9_000, 4, 9)).astype(kind)
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", np.arange(9_000) % 3)
        train = source(tmp_path / "x.npy", tmp_path / "y.npy", max_memory_mb=memory, dtype="float64").train
        found = torch.cat([batch.x.clone() for batch in train.chunks(1000)])
        assert train.streamed == (memory == 1)
        assert found.dtype == torch.float64
        np.testing.assert_array_equal(found.numpy(), x.reshape(9_000, 36).astype(np.float64))

    def test_takes_fortran_order(self, tmp_path):
        x = np.random.default_rng(0).normal(size=(9_000, 36))
        np.save(tmp_path / "x.npy", np.asfortranarray(x))
        np.save(tmp_path / "y.npy", np.arange(9_000) % 3)
        train = source(tmp_path / "x.npy", tmp_path / "y.npy", max_memory_mb=1, dtype="float64").train
        np.testing.assert_array_equal(np.concatenate([batch.x.numpy().copy() for batch in train.chunks(1000)]), x)

    def test_tells_classes_from_numbers(self, files):
        assert source(files["x"], files["y"]).task == "classification"
        assert source(files["x"], files["y"]).class_names == ("0", "1", "2", "3")
        for memory in (1, 256):
            found = source(files["x"], files["t"], max_memory_mb=memory)
            assert (found.task, found.n_outputs) == ("regression", 1)

    def test_checksum_follows_what_is_in_the_files(self, files, tmp_path):
        x, y = classes(9_000, 36)
        for name, memory in (("small", 256), ("large", 1)):
            given = [tmp_path / f"{name}_x.npy", tmp_path / f"{name}_y.npy"]
            np.save(given[0], x)
            np.save(given[1], y)
            before = source(*given, max_memory_mb=memory).checksum
            assert source(*given, max_memory_mb=memory).checksum == before
            np.save(given[0], x + 1)
            assert source(*given, max_memory_mb=memory).checksum != before

    def test_says_that_a_file_was_changed_meanwhile(self, tmp_path):
        for name, array in zip("xy", classes(9_000, 36), strict=True):
            np.save(tmp_path / f"{name}.npy", array)
        train = source(tmp_path / "x.npy", tmp_path / "y.npy", max_memory_mb=1).train
        np.save(tmp_path / "x.npy", np.zeros((10, 36), np.float32))
        with pytest.raises(InputError, match=r"x.npy cannot be read any more"):
            next(train.chunks(100))

    def test_leaves_no_pages_of_the_files_mapped(self, files):
        train = source(files["x"], files["y"], max_memory_mb=1).train
        list(train.chunks(100))
        assert "x_0.npy" not in Path("/proc/self/maps").read_text()


class TestRefused:
    """One line, with the file or the key, and the remedy."""

    X, Y = np.zeros((20, 3), np.float32), np.zeros(20, np.int64)

    @pytest.mark.parametrize(
        ("x", "y", "words"),
        [
            (X, Y[:19], ["x.npy has 20 rows, but", "y.npy 19"]),
            (X.astype(object), Y, ["x.npy holds Python objects", "numbers"]),
            (X.astype(complex), Y, ["x.npy holds complex128", "float32"]),
            (X[:0], Y[:0], ["x.npy", "at least one row"]),
            (X, Y - 1, ["data.y has the class -1", "0 … C − 1"]),
            (X, Y + 20, ["data.y has the class 20", "20 training rows", "float32"]),
            (X, np.zeros((20, 2), int), ["y.npy has 2 whole numbers a row"]),
            (X, np.zeros((20, 2, 2)), ["data.y: expected whole numbers [n] or floating-point"]),
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

    def test_missing(self, tmp_path, files):
        self.says(["data.x=", "no such file"], tmp_path / "x.npy", files["y"])
        self.says(["data.y=", "no file has such a name"], files["x"], tmp_path / "*.npy")
        self.says(["data.x names 3 files, data.y 1"], files["x"], files["y"].replace("*", "0"))

    def test_shards_of_different_rows(self, tmp_path):
        for i in (3, 4):
            np.save(tmp_path / f"x_{i}.npy", np.zeros((20, i)))
            np.save(tmp_path / f"y_{i}.npy", self.Y if i == 3 else np.zeros(20))
        self.says(["x_4.npy has rows of shape [4]", "x_3.npy of [3]"], tmp_path / "x_*.npy", tmp_path / "y_*.npy")
        same = tmp_path / "x_3.npy"
        np.save(tmp_path / "x_4.npy", self.X)
        self.says(["int64 [20]", "float64 [20]"], tmp_path / "x_*.npy", tmp_path / "y_*.npy")
        np.save(tmp_path / "w.npy", np.zeros((20, 5)))
        given = {"x_test": str(tmp_path / "w.npy"), "y_test": str(tmp_path / "y_3.npy")}
        self.says(["data.x_test", "5 numbers a row", "3"], same, tmp_path / "y_3.npy", **given)
        self.says(["data.y_val is missing"], same, tmp_path / "y_3.npy", x_val=str(same))
        given = {"x_test": str(same), "y_test": str(tmp_path / "y_4.npy")}
        self.says(["data.y_test", "unlike the training targets"], same, tmp_path / "y_3.npy", **given)

    @pytest.mark.parametrize(
        ("overrides", "words"),
        [
            (["model=linear_regression", "loss=squared_error"], ["data.y are classes", "loss=cross_entropy"]),
            (["data.max_memory_mb=1", "data.outliers=3"], ["data.outliers=3", "data.max_memory_mb"]),
            (["data.max_memory_mb=1", "optimizer=exact", "penalty=l2"], ["optimizer=exact", "data.max_memory_mb"]),
            (["data.x=null"], ["data.x=None", "data.x='my/x_*.npy'"]),
            (["data.max_memory_mb=0"], ["data.max_memory_mb=0", "[1, inf)"]),
            (["data.val_fraction=null"], ["data.val_fraction=null", "give a number"]),
            (["model=linear_regression"], ["model=linear_regression", "loss"]),
        ],
    )
    def test_configurations(self, overrides, words, files, tmp_path):
        with pytest.raises(InputError) as caught:
            train(tmp_path / "run", files, *overrides)
        self.check(words, str(caught.value))

    def test_numbers_for_a_classifier(self, files, tmp_path):
        with pytest.raises(InputError) as caught:
            train(tmp_path / "run", files, y="t")
        self.check(["data.y are numbers", "model=linear_regression loss=squared_error"], str(caught.value))

    def says(self, words: list[str], x: Any, y: Any, **options: Any) -> None:
        with pytest.raises(InputError) as caught:
            source(x, y, **options)
        self.check(words, str(caught.value))

    def check(self, words: list[str], message: str) -> None:
        assert len(message.splitlines()) == 1
        assert all(word in message for word in words), message
