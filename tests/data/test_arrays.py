"""`data=arrays` end to end: in memory and streamed, resumed, side by side, larger than memory."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shards import QUICK, N, classes, source, train, write_all, write_shards, write_sparse

from linnet.models import gradient_descent
from linnet.sweeps.multirun import multirun
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.training.resume import resume


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_all(tmp_path_factory.mktemp("shards"))


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
        torch.testing.assert_close(two.module.weight, one.module.weight, rtol=1e-9, atol=1e-12)

    def test_regression(self, files, tmp_path):
        run = train(
            tmp_path, files, "model=linear_regression", "loss=squared_error", "data.max_memory_mb=1", "figures=true",
            y="t",
        )  # fmt: skip
        assert run.metrics["val/r2"] > 0.999
        drawn = sorted(path.name for path in (tmp_path / "figures").iterdir())
        assert drawn == ["coefficients.png", "learning_curves.png"]  # those of predictions would need all of them

    def test_resumed_in_the_middle_of_an_epoch_ends_as_if_it_had_not_been(self, files, tmp_path, monkeypatch):
        overrides = ["data.max_memory_mb=1", "callbacks.checkpoint.every_n_steps=50", "optimizer=adam"]
        expected = train(tmp_path / "whole", files, *overrides)

        original = gradient_descent.train_chunk
        calls = iter(range(100))

        def stop(*given: Any, **named: Any) -> Any:
            if next(calls) == 7:  # of the second epoch, in the middle
                raise KeyboardInterrupt
            return original(*given, **named)

        monkeypatch.setattr(gradient_descent, "train_chunk", stop)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", files, *overrides)
        monkeypatch.setattr(gradient_descent, "train_chunk", original)
        resumed = resume(tmp_path / "cut")
        assert torch.equal(resumed.module.weight, expected.module.weight)
        assert resumed.metrics == expected.metrics
        assert resumed.curves["train/loss"] == expected.curves["train/loss"]

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
        """0.6 GB of features in the files, at most 0.13 GB more in the memory of the process than torch takes."""
        n, d = 50_000, 1000
        for i in range(3):
            write_sparse(tmp_path / f"x_{i}.npy", "<f4", (n, d))
            np.save(tmp_path / f"y_{i}.npy", np.arange(n, dtype=np.int64) % 5)
        command = [
            "train", "data=arrays", f"data.x={tmp_path}/x_*.npy", f"data.y={tmp_path}/y_*.npy", "data.batch_size=2048",
            "data.standardize=false", "data.max_memory_mb=64",
            "trainer.max_epochs=1", "threads=1", f"hydra.run.dir={tmp_path / 'run'}",
        ]  # fmt: skip
        code = (
            "import pathlib, sys\nimport linnet.training.run\nfrom linnet.cli.main import main\n"
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
        # What is allowed, and as much again for TensorBoard, minibatches and predictions.
        assert 0 < peak - imported < 2 * 64 * 2**20


class TestSource:
    @pytest.mark.parametrize("kind", ["float16", ">f2", "float64", ">f4", "uint8", "int32", "bool"])
    @pytest.mark.parametrize("memory", [1, 256])
    def test_takes_any_numbers_and_shapes(self, kind, memory, tmp_path):
        x = np.random.default_rng(0).integers(0, 2 if kind == "bool" else 100, (18_000, 4, 9)).astype(kind)
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", np.arange(18_000) % 3)
        train = source(tmp_path / "x.npy", tmp_path / "y.npy", max_memory_mb=memory, dtype="float64").train
        found = torch.cat([batch.x.clone() for batch in train.chunks(1000)])
        assert train.streamed == (memory == 1)
        exact = np.can_cast(kind, np.float32) and memory != 1
        assert found.dtype == (torch.float32 if exact and "f2" not in kind and kind != "float16" else torch.float64)
        np.testing.assert_array_equal(found.numpy(), x.reshape(18_000, 36).astype(np.float64))

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
