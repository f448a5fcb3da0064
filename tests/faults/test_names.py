"""Directories of runs with markup, control characters or bytes that are no text in their names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import linnet
from linnet.cli import main as cli

NAMES = (
    b"[/red]",
    b"[bold",
    b"a\x1b[31mb",
    b"a\nb",
    b"caf\xe9",
    b"\xff\xfe",
    b":smile:",
    "\u202ex".encode(),
    b"-x",
    b"a=b,c",
)
COMMANDS = (
    "inspect {}", "predict {} --input x.npy --output out.csv", "evaluate {}",
    "export {} --format json --output out.json", "compare {} --output out", "resume {}",
    "resume {} trainer.max_epochs=2", "reproduce {} --dir again",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    np.save(folder / "x.npy", np.zeros((2, 10)))
    words = ["data=diabetes", "trainer.max_epochs=1", "threads=1", "figures=false"]
    linnet.train([*words, f"hydra.run.dir={folder / 'run'}"])
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_are_taken_by_every_command(
    name: bytes, trained: Path, workplace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(trained / "x.npy", "x.npy")
    for command in COMMANDS:
        for left in ("again", os.fsdecode(name)):
            shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(trained / "run", os.fsdecode(name))
        path = f"./{os.fsdecode(name)}" if name.startswith(b"-") else os.fsdecode(name)
        code = cli.run([word.format(path) for word in command.split()])
        said = capfd.readouterr().err
        assert code == 0, (command, said)


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\x1b[31mb"])
@pytest.mark.parametrize("command", ["inspect {}", "predict {} --input x.npy", "compare {} --output out"])
def test_are_printed_in_any_locale(command: str, name: bytes, trained: Path, workplace: Path) -> None:
    shutil.copy(trained / "x.npy", "x.npy")
    shutil.copytree(trained / "run", os.fsdecode(name))
    words = [os.fsencode(word).replace(b"{}", name) for word in command.split()]
    for locale in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        done = subprocess.run(
            [sys.executable, "-m", "linnet", *words], capture_output=True, env={**os.environ, **locale}
        )
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("command", ["train hydra.run.dir={}", "inspect {}", "evaluate {}", "compare {}", "board {}",
                                     "predict {} --input x.npy", "predict {} --input {}", "resume {}", "reproduce {}",
                                     "export {} --format json"])  # fmt: skip
def test_with_a_zero_byte_are_refused(command: str, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From Python only: no command line can hold one."""
    assert cli.run([word.replace("{}", "a\0b") for word in command.split()]) == 2
    said = capsys.readouterr().err
    assert said.startswith("linnet: ") and said.count("\n") == 1
