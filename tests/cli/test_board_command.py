"""`linnet board` as a command: what it prints, refuses, and how it ends."""

import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from board import SECONDS, address, board

from linnet.cli import main as cli

if TYPE_CHECKING:
    from linnet.results.trained import TrainedRun


def test_it_says_one_line_and_ends_quietly_at_ctrl_c(run: "TrainedRun") -> None:
    with board(str(run.directory), "--port", "0", folder=run.directory) as process:
        assert address(process).startswith("http://localhost:")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=SECONDS)
        assert rest == ""
        assert process.returncode == 0


def test_a_port_in_use_is_named(run: "TrainedRun") -> None:
    with socket.create_server(("localhost", 0)) as other:
        port = str(other.getsockname()[1])
        with board("--port", port, folder=run.directory.parents[1]) as process:
            said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert said == f"linnet: board: port {port} is in use, give another or leave --port out\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere"], "nowhere is no directory"),
        (["empty"], "no run below empty"),
        ([], "runs is no directory"),
        (["empty", "--port", "web"], "invalid int value: 'web'"),
    ],
)
def test_wrong_input_gets_one_line(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli.run(["board", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("linnet: board: ")
    assert problem in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()
