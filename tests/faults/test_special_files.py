"""Pipes and devices in the place of any file of a run: no command waits, or reads for ever."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from interrupted_run import interrupt

import linnet
from linnet.cli import main as cli

COMMANDS = (
    "inspect", "predict --input x.npy --output out.csv", "evaluate", "export --format json --output out.json",
    "compare", "compare --figures", "resume", "resume trainer.max_epochs=4", "reproduce --dir again",
)  # fmt: skip
SECONDS = 20


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A completed run, one that was interrupted, and their data."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        np.save("x.npy", rng.normal(size=(60, 4)))
        np.save("y.npy", rng.integers(0, 2, 60))
        words = ("data=arrays", "data.x=x.npy", "data.y=y.npy", "data.batch_size=10", "threads=1")
        linnet.train([*words, "figures=false", "trainer.max_epochs=2", "hydra.run.dir=run"])
        interrupt(Path("stopped"), 7, *words)
    return folder


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    def expired(*_: object) -> None:
        pytest.fail(f"not ended after {SECONDS} s")  # no error that a command could refuse in one line

    before = signal.signal(signal.SIGALRM, expired)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("command", COMMANDS)
def test_in_place_of_a_file_are_refused_or_not_read(
    command: str, kind: str, trained: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = "stopped" if command == "resume" else "run"
    name, *options = command.split()
    for file in [f"{run}/{file}" for file in files(trained / run)] + ["x.npy", "y.npy"]:
        if kind == "pipe" and file in options:
            continue  # named on the command line: as any program, it waits for the one that writes
        shutil.rmtree(workplace)
        shutil.copytree(trained, workplace)
        os.chdir(workplace)
        path = Path(file)
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        signal.alarm(SECONDS)
        code = cli.run([name, run, *options])
        said = capsys.readouterr().err
        assert code in (0, 1, 2), (file, said)
        assert code != 2 or (said.startswith("linnet: ") and said.count("\n") == 1), (file, said)
        assert code != 1 or name == "reproduce", (file, said)
