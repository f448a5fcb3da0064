"""A run that is not tracked has the weights, metrics and curves of one that is, and leaves no file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import linnet
from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y, LABELS = X @ [1.0, 2.0, 3.0] + RNG.normal(size=60), np.arange(60) % 3
SHORT = {"max_epochs": 3, "batch_size": 8, "quiet": True}


def everything(*folders: Path) -> "dict[str, tuple[int, int]]":
    found = [entry for folder in folders if folder.is_dir() for entry in (folder, *folder.rglob("*"))]
    return {str(entry): (entry.lstat().st_mtime_ns, entry.lstat().st_size) for entry in found}


@pytest.mark.parametrize(
    "options",
    [{}, {"optimizer": "adam", "penalty": "l2"}, {"optimizer": "exact"}, {"max_steps": 10, "val_fraction": 0},
     {"callbacks": "early_stopping", "patience": 1, "max_epochs": 20}],
    ids=str,
)  # fmt: skip
def test_all_is_that_of_the_tracked_run(options, tmp_path, monkeypatch):
    monkeypatch.setenv("LINNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    for targets in (Y, LABELS):
        linnet.train(X[::-1], targets, tracked=False, **SHORT | options)
        before = everything(tmp_path)
        found = linnet.train(X, targets, tracked=False, **SHORT | options)
        assert everything(tmp_path) == before
        assert found.directory is None
        tracked = linnet.train(X, targets, figures=False, **SHORT | options)
        assert found.metrics == tracked.metrics
        assert {name: list(curve.value) for name, curve in found.curves.items()} == {
            name: list(curve.value) for name, curve in tracked.curves.items()
        }
        assert torch.equal(found.module.weight, tracked.module.weight)
        assert torch.equal(found.module.bias, tracked.module.bias)
        assert np.array_equal(found(X), linnet.load(tracked.directory)(X))


def test_begins_with_the_weights_of_a_run():
    linnet.train(X, Y, figures=False, run_dir="first", **SHORT)
    found = linnet.train(X, Y, init_from="first", tracked=False, **SHORT)
    tracked = linnet.train(X, Y, init_from="first", figures=False, **SHORT)
    assert torch.equal(found.module.weight, tracked.module.weight)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("tracked", [True, False])
def test_quiet_prints_nothing_and_the_process_stays_as_it_was(tracked, capfd, one_thread):
    linnet.train(X, Y, tracked=tracked, figures=False, **SHORT)
    assert capfd.readouterr() == ("", "")
    assert torch.get_num_threads() == 1
    linnet.train(X, Y, tracked=tracked, figures=False, **SHORT | {"quiet": False})
    said, errors = capfd.readouterr()
    assert "60 rows of the data given in Python" in said and "test/loss" not in errors
    assert "│ loss" in said


def test_the_first_call_of_a_process_gives_its_threads_back():
    """Before it, nothing has imported torch that could be asked for their number."""
    script = (
        "import linnet; linnet.train('data=diabetes', max_epochs=1, threads=1, optimum='off', tracked=False,"
        " quiet=True); import torch; print(torch.get_num_threads())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert ended.stdout == "2\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"save_data": True}, "save_data: with tracked=False nothing is written"),
        ({"run_dir": "run"}, "run_dir: with tracked=False"),
        ({"logger": "csv"}, "logger=csv needs a tracked run"),
        ({"trainer": "ddp"}, "trainer=ddp needs a tracked run"),
        ({"lr": -1}, "optimizer.lr=-1: expected a number"),
    ],
)
def test_what_writes_files_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        linnet.train(X, Y, tracked=False, **SHORT | options)
    assert not list(Path().iterdir())
