"""Jobs trained side by side in several processes: as in one; nothing is left running or lost when one of them ends."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from shards import write_all

from linnet.cli import main as cli
from linnet.models import gradient_descent
from linnet.sweeps import vectorized
from linnet.system.reading import read_json
from linnet.tracking import read_history
from linnet.tracking.directory import is_owned, read_status

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")

WORDS = ["hydra/launcher=vectorized", "data=synthetic_regression", "data.n_train=100", "trainer.max_epochs=4"]
FOUR = [*WORDS, "optimizer.lr=0.01,0.02,0.05,0.1"]
TWO_PROCESSES = "hydra.launcher.processes=2"


def sweep(folder: Path, *words: str) -> int:
    return cli.run(["train", "-m", f"hydra.sweep.dir={folder}", *words])


def states(folder: Path) -> list[str]:
    return [read_json(folder / str(k) / "status.json")["state"] for k in range(4)]


def weight(run: Path) -> torch.Tensor:
    return load_file(run / "weights.safetensors")["weight"]


def assert_equal_to_one_process(several: Path, one: Path) -> None:
    assert states(several) == ["completed"] * 4
    for k in map(str, range(4)):
        torch.testing.assert_close(weight(several / k), weight(one / k), rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep in one process."""
    folder = tmp_path_factory.mktemp("one")
    assert sweep(folder, *FOUR, "hydra.launcher.processes=1") == 0
    return folder


@pytest.fixture
def in_third_epoch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Let something happen there, in every process that trains."""

    def install(what: Callable[[], None]) -> None:
        original, calls = gradient_descent.train_chunk, itertools.count()

        def train_chunk(*arguments: Any) -> Any:
            if next(calls) == 2:
                what()
            return original(*arguments)

        monkeypatch.setattr(gradient_descent, "train_chunk", train_chunk)

    return install


def test_as_in_one_process(tmp_path: Path, one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert sweep(tmp_path / "two", *FOUR, TWO_PROCESSES) == 0
    assert_equal_to_one_process(tmp_path / "two", one)
    for k in range(4):
        runs = [folder / str(k) for folder in (one, tmp_path / "two")]
        files = [sorted(path.name.split(".tfevents")[0] for path in run.rglob("*") if path.is_file()) for run in runs]
        assert files[0] == files[1]
        assert read_json(runs[1] / "manifest.json")["side_by_side"] == [k % 2, k % 2 + 2]
        assert read_json(runs[1] / "manifest.json")["threads"] == 1
        curves = [read_history(run / "history.csv") for run in runs]
        assert curves[0] == {name: (step, pytest.approx(value, 1e-5)) for name, (step, value) in curves[1].items()}
    printed = capsys.readouterr().out
    assert [printed.count(f"\njob {k} ") for k in range(4)] == [1] * 4
    assert "4 jobs: 4 completed" in printed


def test_one_process_speaks_for_all(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert sweep(tmp_path, *FOUR, TWO_PROCESSES) == 0
    printed = capfd.readouterr().out
    assert "training 4 jobs side by side, in 2 processes" in printed
    assert len(printed.splitlines()) == 10


def test_data_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = vectorized.build_data

    def build_data(*arguments: Any) -> Any:
        with (tmp_path / "read").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return original(*arguments)

    for module in ("linnet.sweeps.vectorized", "linnet.training.setup"):
        monkeypatch.setattr(f"{module}.build_data", build_data)
    assert sweep(tmp_path / "sweep", *FOUR, TWO_PROCESSES) == 0
    assert (tmp_path / "read").read_text() == f"{os.getpid()}\n"


def test_data_that_is_not_there_fails_every_job(tmp_path: Path) -> None:
    words = ["hydra/launcher=vectorized", "data=kmnist", "data.download=false", f"data.root={tmp_path / 'nothing'}"]
    assert sweep(tmp_path / "sweep", *words, "optimizer.lr=0.1,0.2,0.3,0.4", TWO_PROCESSES) == 1
    assert states(tmp_path / "sweep") == ["failed"] * 4


@pytest.mark.parametrize(
    ("threads", "n_jobs", "expected"), [(1, 64, 1), (2, 15, 1), (2, 16, 2), (3, 24, 3), (4, 16, 2), (5, 16, 1)]
)
def test_as_many_processes_as_threads_if_each_has_enough_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, n_jobs: int, expected: int
) -> None:
    monkeypatch.setenv("LINNET_THREADS", str(threads))
    rates = ",".join(str(0.001 * (k + 1)) for k in range(n_jobs))
    assert sweep(tmp_path, *WORDS, "trainer.max_epochs=1", f"optimizer.lr={rates}") == 0
    shares = {tuple(read_json(tmp_path / str(k) / "manifest.json")["side_by_side"]) for k in range(n_jobs)}
    assert shares == {tuple(range(n_jobs)[k::expected]) for k in range(expected)}


def test_a_number_of_threads_that_was_asked_for_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectorized, "JOBS_A_PROCESS", 1)
    assert sweep(tmp_path, *FOUR, "threads=2") == 0
    record = read_json(tmp_path / "0/manifest.json")
    assert (record["threads"], record["side_by_side"]) == (2, [0, 1, 2, 3])


def test_data_that_is_read_as_it_is_needed_is_read_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectorized, "JOBS_A_PROCESS", 1)
    monkeypatch.setenv("LINNET_THREADS", "2")
    files = write_all(tmp_path)
    words = [
        "hydra/launcher=vectorized", "data=arrays", f"data.x='{files['x']}'", f"data.y='{files['y']}'",
        "data.max_memory_mb=1", "trainer.max_epochs=1", "optimizer.lr=0.1,0.2",
    ]  # fmt: skip
    assert sweep(tmp_path / "one", *words) == 0
    assert read_json(tmp_path / "one/0/manifest.json")["side_by_side"] == [0, 1]
    assert sweep(tmp_path / "two", *words, TWO_PROCESSES) == 0
    assert "side_by_side" not in read_json(tmp_path / "two/0/manifest.json")


def test_a_number_of_processes_that_makes_no_sense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep(tmp_path / "x", *FOUR, "hydra.launcher.processes=0") == 2
    assert "hydra.launcher.processes=0: expected a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_and_all_goes_on(
    tmp_path: Path, one: Path, in_third_epoch: Any, monkeypatch: pytest.MonkeyPatch, signum: signal.Signals
) -> None:
    driver = os.getpid()

    def ask_once() -> None:
        (tmp_path / f"arrived-{os.getpid()}").touch()
        _wait(lambda: len(list(tmp_path.glob("arrived-*"))) == 2)
        if _own(tmp_path / "two/0"):
            os.kill(driver, signum)
        time.sleep(1)  # until the first process has passed it on

    in_third_epoch(ask_once)
    assert sweep(tmp_path / "two", *FOUR, TWO_PROCESSES) == 128 + signum
    assert states(tmp_path / "two") == ["interrupted"] * 4
    assert all((tmp_path / "two" / str(k) / "checkpoints/last.ckpt").exists() for k in range(4))
    monkeypatch.undo()
    assert cli.run(["resume", str(tmp_path / "two" / "1")]) == 0
    assert sweep(tmp_path / "two", *FOUR, TWO_PROCESSES) == 0
    assert_equal_to_one_process(tmp_path / "two", one)


def test_a_process_that_is_killed_is_told_of(
    tmp_path: Path, one: Path, in_third_epoch: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def kill_the_second() -> None:
        if _own(tmp_path / "two/1"):
            os.kill(os.getpid(), signal.SIGKILL)

    in_third_epoch(kill_the_second)
    assert sweep(tmp_path / "two", *FOUR, TWO_PROCESSES) == 1
    assert "process 2 of 2 was lost (signal 9)" in capsys.readouterr().out
    assert [states(tmp_path / "two")[k] for k in (0, 2)] == ["completed"] * 2
    monkeypatch.undo()
    assert sweep(tmp_path / "two", *FOUR, TWO_PROCESSES) == 0
    assert_equal_to_one_process(tmp_path / "two", one)


def _own(run: Path) -> bool:
    return read_status(run).get("pid") == os.getpid()


def test_none_outlives_the_first(tmp_path: Path, one: Path) -> None:
    folder = tmp_path / "two"
    words = [word for word in FOUR if not word.startswith("trainer")]
    command = [sys.executable, "-m", "linnet", "train", "-m", *words, TWO_PROCESSES, f"hydra.sweep.dir={folder}"]
    driver = subprocess.Popen([*command, "trainer.max_epochs=1000000"], stdout=subprocess.DEVNULL)
    try:
        _wait(lambda: all((folder / str(k) / "history.csv").exists() for k in range(4)))
    finally:
        driver.kill()
        driver.wait()
    _wait(lambda: not any(is_owned(folder / str(k)) for k in range(4)))
    assert states(folder) == ["interrupted"] * 4


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_more_threads_than_one_keep_a_sweep_in_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep(tmp_path / "sweep", *FOUR, TWO_PROCESSES, "threads=2") == 0
    assert "one process, not 2: each of several has one thread, and threads=2" in " ".join(
        capsys.readouterr().out.split()
    )
    assert states(tmp_path / "sweep") == ["completed"] * 4
    assert read_json(tmp_path / "sweep" / "0" / "manifest.json")["threads"] == 2
