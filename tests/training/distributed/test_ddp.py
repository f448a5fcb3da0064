"""Runs in several processes against the same runs in one."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

import linnet
import linnet.training.resume
from linnet.cli import main as cli
from linnet.models.train_steps import share
from linnet.system import threads
from linnet.system.errors import InputError, ProcessLost
from linnet.system.reading import read_json
from linnet.tracking import RunLogger, read_history
from linnet.training.distributed import strategy
from linnet.training.distributed.worker_group import WorkerGroup

# 97 examples in batches of 32: the last batch has one, and of two processes one has nothing to do then.
BLOBS = ("data=gaussian_blobs", "data.n_train=97", "data.n_val=40", "data.n_test=40", "data.batch_size=32")
COMMON = ("figures=false", "optimum=off", "trainer.log_every_n_steps=1")
SHORT = (*BLOBS, *COMMON, "optimizer=adam", "trainer.max_epochs=4")
# 15 epochs of 4 updates each, with a pause for a checkpoint after the third.
LONG = (*BLOBS, *COMMON, "optimizer=adam", "trainer.max_epochs=15", "callbacks.checkpoint.every_n_steps=3")
PATIENCE = 180
"""Seconds that a loaded machine may take for what takes one."""


def ddp(directory: Path, devices: int, *overrides: str) -> list[str]:
    return [f"hydra.run.dir={directory}", *overrides, "trainer=ddp", f"trainer.devices={devices}"]


def files(directory: Path) -> set[str]:
    names = (path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    return {name.partition(".tfevents.")[0] for name in names} - {"checkpoints/previous.ckpt"}


def weights(directory: Path) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in load_file(directory / "weights.safetensors").values()])


@pytest.fixture(autouse=True)
def teams(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[WorkerGroup]]:
    """The teams of the test, in order. Afterwards none of their processes is left, and no process group."""
    formed: list[WorkerGroup] = []
    enter = WorkerGroup.__enter__

    def recorded(team: WorkerGroup) -> WorkerGroup:
        formed.append(team)
        return enter(team)

    monkeypatch.setattr(WorkerGroup, "__enter__", recorded)
    yield formed
    assert all(worker.returncode is not None for team in formed for worker, _ in team._workers)
    assert not dist.is_initialized()


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """A function that has something happen once in the middle of training, after a step of this number."""

    def arrange(step: int, happen: Callable[[], None]) -> None:
        log_series = RunLogger.log_series

        def logged(logger: RunLogger, name: str, steps: list[int], *rest: object) -> None:
            log_series(logger, name, steps, *rest)
            if steps[-1] >= step:
                monkeypatch.setattr(RunLogger, "log_series", log_series)
                happen()

        monkeypatch.setattr(RunLogger, "log_series", logged)

    return arrange


CASES = {
    "adam_float32": (2, 1e-5, ["optimizer=adam", "schedule=cosine", "penalty=l2", "penalty.strength=0.01"]),
    "autograd_float64": (
        3, 1e-12, ["model.gradient=autograd", "data.dtype=float64", "optimizer=momentum", "penalty=elastic_net",
                   "penalty.strength=0.01", "callbacks=early_stopping", "optimizer.lr=0.3", "trainer.max_epochs=30"],
    ),
    "lbfgs": (
        2, 1e-9, ["data=diabetes", "data.dtype=float64", "data.batch_size=1000", "optimizer=torch_lbfgs",
                  "optimizer.max_iter=5", "penalty=l2", "penalty.strength=0.1"],
    ),
    "alone": (1, 1e-5, []),
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["adam_float32", "alone", pytest.param("autograd_float64", marks=pytest.mark.long),
     pytest.param("lbfgs", marks=pytest.mark.long)],
)  # fmt: skip
def test_weights_and_records_are_those_of_one_process(name: str, tmp_path: Path, teams: list[WorkerGroup]) -> None:
    devices, tolerance, overrides = CASES[name]
    common = [*(() if name == "lbfgs" else BLOBS), *COMMON, "trainer.max_epochs=4", *overrides]
    one = linnet.train([f"hydra.run.dir={tmp_path / 'one'}", *common])
    environment = dict(os.environ)  # by now with what the libraries that a run imports have added
    several = linnet.train(ddp(tmp_path / "several", devices, *common))
    assert dict(os.environ) == environment

    (team,) = teams
    assert len(team._workers) == devices - 1
    difference = (weights(several.directory) - weights(one.directory)).norm() / weights(one.directory).norm()
    assert difference < tolerance
    assert files(several.directory) == files(one.directory)
    histories = [read_history(run.directory / "history.csv") for run in (several, one)]
    assert histories[0].keys() == histories[1].keys()
    for curve, (steps, values) in histories[1].items():
        assert list(histories[0][curve][0]) == list(steps)
        assert list(histories[0][curve][1]) == pytest.approx(list(values), rel=1e-4, abs=1e-6)
    if name == "autograd_float64":
        assert len(histories[0]["val/loss"][0]) < 30  # stopped early
    manifest = read_json(several.directory / "manifest.json")
    assert (manifest["devices"], manifest["threads"]) == (devices, max(1, threads.FOUND // devices))


@pytest.mark.long
def test_interrupted_then_bereft_then_resumed(
    tmp_path: Path, teams: list[WorkerGroup], at_step: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert cli.run(["train", *ddp(whole, 2, *LONG)]) == 0

    at_step(23, lambda: signal.raise_signal(signal.SIGTERM))
    assert cli.run(["train", *ddp(run, 2, *LONG)]) == 143
    status = read_json(run / "status.json")
    assert (status["state"], status["step"]) == ("interrupted", 23)
    capsys.readouterr()

    at_step(48, lambda: teams[-1]._workers[0][0].kill())
    assert cli.run(["resume", str(run)]) == 1
    printed = capsys.readouterr()
    assert printed.err == "linnet: process 2 of 2 was lost (signal 9)\n"
    assert printed.out.endswith(f"go on   linnet resume {run}\n")
    status = read_json(run / "status.json")
    assert (status["state"], status["error"]) == ("interrupted", "process 2 of 2 was lost (signal 9)")

    assert cli.run(["resume", str(run)]) == 0
    reached = re.search(r"going on after step (\d+)", capsys.readouterr().out)
    assert reached is not None
    assert 40 <= int(reached[1]) <= 48
    assert torch.equal(weights(run), weights(whole))
    assert (run / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    assert files(run) == files(whole)


@pytest.mark.long
def test_a_process_that_stops_answering(
    tmp_path: Path, teams: list[WorkerGroup], at_step: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strategy, "TIMEOUT", timedelta(seconds=2))
    at_step(20, lambda: os.kill(teams[0]._workers[0][0].pid, signal.SIGSTOP))
    with pytest.raises(ProcessLost, match=r"another process of 2 was lost \(no answer in time\)"):
        linnet.train(ddp(tmp_path / "run", 2, *LONG))
    assert read_json(tmp_path / "run" / "status.json")["state"] == "interrupted"


def test_a_process_that_cannot_begin_says_why(
    tmp_path: Path, teams: list[WorkerGroup], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "import sys; sys.exit('ImportError: no such library')"
    monkeypatch.setattr("linnet.training.distributed.worker_group.WORKER", broken)
    with pytest.raises(ProcessLost, match=r"process [23] of 3 was lost \(exit code 1: ImportError: no such library\)"):
        linnet.train(ddp(tmp_path / "run", 3, *SHORT))
    assert read_json(tmp_path / "run" / "status.json")["state"] == "interrupted"


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are looked up in /proc")
def test_no_process_outlives_the_first(tmp_path: Path) -> None:
    words = ["train", *ddp(tmp_path / "run", 2, *LONG), "trainer.max_epochs=100000"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    output = tmp_path / "output"
    with output.open("wb") as file:
        first = subprocess.Popen([sys.executable, "-m", "linnet", *words], env=environment, stdout=file)
        try:
            await_that(lambda: (tmp_path / "run" / "checkpoints" / "last.ckpt").exists())
            children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        finally:
            first.kill()
            first.wait()
    assert len(children) == 1
    await_that(lambda: has_ended(children[0]))


def has_ended(pid: str) -> bool:
    """Whether a process is gone, or only waits for some parent to ask how it ended."""
    status = Path(f"/proc/{pid}/status")
    try:
        return "\nState:\tZ" in status.read_text()
    except OSError:
        return True


def await_that(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_each_row_is_in_one_share(size: int) -> None:
    rows, sizes = torch.randperm(12), [5, 5, 2]
    shares = [share(rows, sizes, rank, size) for rank in range(size)]
    for k, minibatch in enumerate(rows.split(sizes)):
        parts = [some.split(counts)[k] for some, counts in shares]
        assert torch.equal(torch.cat(parts).sort().values, minibatch.sort().values)


def test_a_group_of_others_is_not_joined(workplace: Path) -> None:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        with pytest.raises(InputError, match="is in a group of torch"):
            linnet.train(["trainer=ddp", *SHORT])
        assert dist.is_initialized()
    finally:
        dist.destroy_process_group()
    assert not list(workplace.iterdir())
