"""SIGINT and SIGTERM as they reach a process of its own, at each stage of its life."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

import linnet
import linnet.training.resume
from linnet.cli import main as cli
from linnet.system.errors import Interrupted
from linnet.system.interrupts import Interrupts
from linnet.system.reading import read_json

COMMON = ("figures=false", "threads=1", "data=gaussian_blobs", "data.n_test=50", "data.batch_size=4", "optimizer=adam")
# Some 4000 updates: seconds, and many chances to stop.
LONG = (*COMMON, "data.n_train=400", "trainer.max_epochs=40")
PATIENCE = 180
"""Seconds that a loaded machine may take for what takes one."""


class Process:
    """`linnet ARGUMENTS` with what it has printed so far."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "linnet", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        self.printed = ""

    def await_line(self, words: str) -> None:
        """Until the words are on stdout."""
        stream: IO[bytes] = self.child.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            until = time.monotonic() + PATIENCE
            while words not in self.printed:
                assert selector.select(until - time.monotonic()), f"no {words!r} in: {self.printed}"
                text = os.read(stream.fileno(), 65536)
                assert text, f"ended before {words!r}: {self.printed} {self.child.stderr.read().decode()}"
                self.printed += text.decode()

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, once it has ended."""
        out, errors = self.child.communicate(timeout=PATIENCE)
        return self.child.returncode, self.printed + out.decode(), errors.decode()


@contextmanager
def process(arguments: list[str], folder: Path) -> Iterator[Process]:
    started = Process(arguments, folder)
    try:
        yield started
    finally:
        started.child.kill()
        started.child.wait()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    directory = tmp_path_factory.mktemp("uninterrupted") / "run"
    linnet.train([*LONG, f"hydra.run.dir={directory}"])
    return directory


def test_sigterm_in_fit(uninterrupted, compare, tmp_path, capsys):
    run = tmp_path / "run"
    with process(["train", *LONG, "hydra.run.dir=run"], tmp_path) as training:
        training.await_line("epoch  4/40")
        assert cli.run(["resume", str(run)]) == 2
        assert f"process {training.child.pid} on" in capsys.readouterr().err
        training.child.send_signal(signal.SIGTERM)
        code, out, errors = training.end()
    assert code == 143
    assert errors == "linnet: stopped by SIGTERM\n"
    assert out.endswith("go on   linnet resume run\n")
    status = read_json(run / "status.json")
    assert status["state"] == "interrupted"
    assert 4 <= status["epoch"] < 40

    # Once more, now in the middle of what goes on, by the other signal.
    with process(["resume", "run"], tmp_path) as resumed:
        resumed.await_line("epoch ")
        resumed.child.send_signal(signal.SIGINT)
        code, out, errors = resumed.end()
    assert code == 130
    assert errors == "linnet: stopped by SIGINT\n"
    assert out.endswith("go on   linnet resume run\n")

    linnet.training.resume.resume(run)
    compare(run, uninterrupted)


def test_sigterm_in_a_sweep(tmp_path):
    words = ["train", "-m", *LONG, "trainer.max_epochs=15", "optimizer.lr=0.01,0.02,0.03", "hydra.sweep.dir=sweep"]
    with process(words, tmp_path) as sweep:
        sweep.await_line("job 0")
        sweep.child.send_signal(signal.SIGTERM)
        code, out, errors = sweep.end()
    assert code == 143
    assert "linnet: stopped by SIGTERM" in errors
    assert "3 jobs: 1 completed" in out
    assert "go on    linnet train -m" in out
    assert read_json(tmp_path / "sweep" / "0" / "status.json")["state"] == "completed"
    assert not (tmp_path / "sweep" / "2").exists()


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
class TestInterrupts:
    """In the process of the test, whose own handlers must be back afterwards."""

    def test_raise_at_once(self, signum, code):
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        with pytest.raises(Interrupted) as caught, Interrupts():
            signal.raise_signal(signum)
        assert caught.value.exit_code == code
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

    def test_wait_while_deferred(self, signum, code):
        after = []
        with pytest.raises(Interrupted) as caught, Interrupts() as interrupts, interrupts.deferred():
            assert not interrupts.any()
            signal.raise_signal(signum)
            assert interrupts.any()
            after.append("went on")
        assert after
        assert caught.value.exit_code == code

    def test_second_does_not_wait(self, signum, code):
        after = []
        with pytest.raises(Interrupted) as caught, Interrupts() as interrupts, interrupts.deferred():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signum)
            after.append("went on")
        assert not after
        assert caught.value.exit_code == code

    def test_another_error_is_not_hidden(self, signum, code):
        with pytest.raises(ZeroDivisionError), Interrupts() as interrupts, interrupts.deferred():
            signal.raise_signal(signum)
            _ = 1 / 0
