"""Standard streams that are closed, or on a full disk: the work is done, and the exit code tells."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import linnet
from linnet.system.reading import read_json

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
TRAIN = "train data=diabetes trainer.max_epochs=1 figures=false hydra.run.dir=new"
COMMANDS = (
    "inspect run", "inspect run --csv -", "predict run --input x.csv --output -",
    "export run --format json --output m.json", "compare run", "resume run", "--help", "train --help",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    linnet.train(["data=diabetes", "optimizer=exact", "figures=false", f"hydra.run.dir={folder / 'run'}"])
    names = read_json(folder / "run" / "preprocessing.json")["feature_names"]
    np.savetxt(folder / "x.csv", np.zeros((3, len(names))), delimiter=",", header=",".join(names), comments="")
    return folder


def shell(home: Path, command: str, redirected: str) -> tuple[int, str]:
    """Return exit code and stderr of a command whose streams the shell redirects."""
    (home / "m.json").unlink(missing_ok=True)
    line = f"{sys.executable} -m linnet {command} {redirected}"
    done = subprocess.run(line, shell=True, cwd=home, capture_output=True, timeout=120, env={**os.environ})
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    ("command", "redirected"), [*((command, ">/dev/full") for command in COMMANDS), ("inspect run", ">&-")]
)
def test_output_that_cannot_be_written_is_said_in_one_line(home: Path, command: str, redirected: str) -> None:
    code, said = shell(home, command, redirected)
    assert code == 1, said
    assert said.startswith("linnet: ") and said.count("\n") == 1
    assert "No space left on device" in said or "Bad file descriptor" in said


@pytest.mark.parametrize("redirected", ["2>/dev/full", "<&- 2>&-"])
@pytest.mark.parametrize("command", COMMANDS[:4])
def test_streams_that_a_command_does_not_need_may_be_missing(home: Path, command: str, redirected: str) -> None:
    assert shell(home, command, redirected) == (0, "")


@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-", ">&- 2>&-"])
def test_an_error_that_cannot_be_said_is_in_the_exit_code(home: Path, redirected: str) -> None:
    assert shell(home, "inspect nothing", redirected) == (1, "")


def test_input_that_is_closed_is_refused_in_one_line(home: Path) -> None:
    code, said = shell(home, "predict run --input - --output -", "<&-")
    assert code == 1
    assert said == "linnet: OSError: [Errno 9] Bad file descriptor\n"


@pytest.mark.parametrize("redirected", [">/dev/full", ">&-", ">&- 2>&- <&-"])
def test_a_run_is_completed_though_nobody_can_be_told(home: Path, redirected: str) -> None:
    code, said = shell(home, f"{TRAIN}{redirected.count('&')}", redirected)
    assert code == 1
    assert "2>" in redirected or (said.startswith("linnet: done, but standard output") and said.count("\n") == 1)
    run = home / f"new{redirected.count('&')}"
    assert read_json(run / "status.json")["state"] == "completed"
    assert (run / "weights.safetensors").exists()
