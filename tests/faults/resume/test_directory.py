"""The directory of an interrupted run: what it says, who may go on in it, and when there is nothing to go on with."""

import os
import signal
from datetime import datetime

import pytest
from interrupted_run import BLOBS, N_EPOCHS, N_STEPS, NUMBERS, at_step, one_line, resume, status, train
from killed_run import scalars

from linnet.cli import main as cli
from linnet.system.files import TEMPORARY
from linnet.tracking import read_history
from linnet.tracking.directory import RunDirectory
from linnet.tracking.events import PATTERN


class TestTheDirectory:
    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_says_how_to_go_on(self, signum, tmp_path, capsys, monkeypatch):
        monkeypatch.chdir(tmp_path)
        at_step(monkeypatch, 22, lambda: signal.raise_signal(signum))
        assert train(tmp_path / "run", *BLOBS) == 128 + signum
        captured = capsys.readouterr()
        assert "go on   linnet resume run" in captured.out
        assert captured.err == f"linnet: stopped by {signum.name}\n"
        found = status(tmp_path / "run")
        assert found["error"] == f"stopped by {signum.name}"
        assert found["epoch"] == 1
        assert found["ended"] == found["updated"]

    def test_status_has_the_step_of_the_interruption(self, run):
        assert status(run)["step"] == 22

    def test_status_adds_up(self, run):
        before = status(run)
        assert resume(run) == 0
        after = status(run)
        assert (after["state"], after["epoch"], after["step"]) == ("completed", N_EPOCHS, N_EPOCHS * N_STEPS)
        assert after["started"] == before["started"]
        assert after["seconds"] > before["seconds"]
        spent = after["seconds"] - before["seconds"]
        began, ended = (datetime.fromisoformat(found["updated"]) for found in (before, after))
        assert 0 < spent <= (ended - began).total_seconds() + 0.01
        assert "error" not in after

    def test_history_and_curves_end_at_the_interruption_until_it_goes_on(self, run):
        curve = read_history(run / "history.csv")["train/loss"]
        assert curve.step == list(range(1, 23))
        assert [step for step, _ in scalars(run)["train/loss"]] == list(range(2, 23, 2))

    def test_log_goes_on(self, run):
        assert resume(run) == 0
        text = (run / "train.log").read_text()
        assert text.index("epoch 1/3") < text.index("going on after step 22") < text.index("epoch 3/3")

    def test_files_that_a_killed_process_was_writing_are_removed(self, run, finished, compare):
        for path in (f".status.json{TEMPORARY}x", f"checkpoints/.last.ckpt{TEMPORARY}y", f"checkpoints/.a{TEMPORARY}z"):
            (run / path).write_bytes(b"half of")
        assert resume(run) == 0
        compare(run, finished)

    def test_lines_after_the_checkpoint_are_logged_once(self, run, finished, compare):
        with (run / "history.csv").open("a") as file:
            file.write("train/loss,23,0.25\ntrain/loss,24,0.2")
        with next(run.glob(PATTERN)).open("ab") as file:
            file.write(b"\x18\0\0\0\0\0")
        (run / "events.out.tfevents.9999999999.other.1.0").write_bytes(b"")
        assert resume(run) == 0
        compare(run, finished)


class TestNothingToGoOnWith:
    def test_completed(self, finished, capsys):
        before = status(finished)
        assert resume(finished) == 0
        assert capsys.readouterr().out.startswith(f"{finished} is completed: nothing to do (for more epochs: ")
        assert status(finished) == before

    def test_diverged(self, tmp_path, capsys):
        assert train(tmp_path / "run", *NUMBERS, "optimizer.lr=1e30") == 3
        capsys.readouterr()
        assert resume(tmp_path / "run") == 2
        assert "is diverged: there is nothing to go on with" in one_line(capsys)
        assert status(tmp_path / "run")["state"] == "diverged"

    @pytest.mark.parametrize("path", [".", "nowhere", "file"])
    def test_no_run_directory(self, path, tmp_path, capsys):
        (tmp_path / "file").touch()
        assert resume(tmp_path / path) == 2
        assert "is no run directory: it has no status.json" in one_line(capsys)

    @pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--now", "a"]])
    def test_wrong_arguments(self, arguments, capsys):
        assert cli.run(["resume", *arguments]) == 2
        assert "linnet resume --help" in one_line(capsys)


class TestOneProcessAtATime:
    def test_second_is_refused_while_the_first_lives(self, run, finished, compare, capsys):
        with RunDirectory(run, resumed=True):
            owned = status(run)
            assert resume(run) == 2
            assert f"process {os.getpid()} on" in one_line(capsys)
            assert train(run, *BLOBS) == 2
            assert "belongs to another run (state running)" in one_line(capsys)
            assert status(run) == owned
        assert resume(run) == 0
        compare(run, finished)

    def test_a_process_of_its_own_is_refused_too(self, run, capsys):
        # A lock that one process may take twice would pass the test above only because it is one process.
        ready, lived = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            with RunDirectory(run, resumed=True):
                os.write(ready[1], b"x")
                os.read(lived[0], 1)
                os._exit(0)
        os.read(ready[0], 1)
        assert resume(run) == 2
        assert f"process {pid} on" in one_line(capsys)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with RunDirectory(run, resumed=True) as directory:  # the lock went with the process
            assert directory.state_before == "interrupted"
        for descriptor in (*ready, *lived):
            os.close(descriptor)
