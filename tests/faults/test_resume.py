"""`linnet resume`: wherever a run was interrupted, it ends as if it had not been.

What lies in its directory is damaged here, altered, and planted by a stranger.
"""

import hashlib
import io
import os
import pickle
import random
import shutil
import signal
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

import linnet
import linnet.resume
from linnet import cli, life
from linnet.errors import InputError, Interrupted
from linnet.files import TEMPORARY, read_json, write_json
from linnet.models import network
from linnet.tracking import Checkpoint, RunLogger, checkpoint_file, read_history
from linnet.tracking.checkpoint_file import Damaged, load, save
from linnet.tracking.directory import RunDirectory
from linnet.tracking.events import PATTERN

N_STEPS, N_EPOCHS = 15, 3
COMMON = (
    "figures=false", "threads=1", f"trainer.max_epochs={N_EPOCHS}", "trainer.log_every_n_steps=2",
    "callbacks.checkpoint.every_n_steps=4",
)  # fmt: skip
BLOBS = ("data=gaussian_blobs", "data.n_train=60", "data.n_val=50", "data.n_test=50", "data.batch_size=4")
NUMBERS = ("data=synthetic_regression", "data.n_train=60", "data.n_val=50", "data.n_test=50", "data.batch_size=4")
FAMILIES = {
    "sgd": BLOBS,
    "momentum": (*BLOBS, "optimizer=momentum", "schedule=step", "schedule.step_epochs=1"),
    "nesterov": (*NUMBERS, "optimizer=momentum", "optimizer.nesterov=true", "loss=huber"),
    "adam": (*BLOBS, "optimizer=adam", "schedule=cosine", "schedule.warmup_epochs=0.5"),
    "adamw": (*BLOBS, "optimizer=adamw", "data.dtype=float64", "data.standardize=true"),
    "adagrad": (*BLOBS, "optimizer=adagrad", "penalty=l1", "penalty.strength=0.01"),
    "rmsprop": (*NUMBERS, "optimizer=rmsprop", "penalty=l2", "penalty.strength=0.1"),
    "torch_sgd": (*BLOBS, "optimizer=torch_sgd", "optimizer.momentum=0.9", "model.gradient=autograd"),
    "torch_adam": (*BLOBS, "optimizer=torch_adam", "loss=torch_cross_entropy"),
    "torch_adamw": (*NUMBERS, "optimizer=torch_adamw", "model.bias=false"),
    "lbfgs": (*NUMBERS, "optimizer=torch_lbfgs", "optimizer.max_iter=3"),
}
# Runs whose validation loss is lowest in the second of their epochs.
RESTLESS = (
    "data=gaussian_blobs", "data.outliers=300", "optimizer.lr=2", "trainer.max_epochs=5", "data.n_test=50",
    "trainer.log_every_n_steps=9",
)  # fmt: skip
BEST_STEP = 40
STOPPING = (*RESTLESS, "callbacks=early_stopping", "callbacks.early_stopping.patience=2")
INTERRUPTED, KILLED = 128 + signal.SIGINT, 128 + signal.SIGTERM
Train = Callable[..., Path]


def words(directory: Path, *overrides: str) -> list[str]:
    return [f"hydra.run.dir={directory}", *COMMON, *overrides]


def train(directory: Path, *overrides: str) -> int:
    """By the command, which takes twice as long: it composes the configuration twice."""
    return cli.run(["train", *words(directory, *overrides)])


def resume(directory: Path) -> int:
    return cli.run(["resume", str(directory)])


def status(directory: Path) -> dict[str, Any]:
    return read_json(directory / "status.json")


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def at_step(patch: pytest.MonkeyPatch, step: int, act: Callable[[], object]) -> None:
    """Do something in the next run after the update with that number, before anyone asks for signals."""
    original = network.train_bundle

    def train_bundle(*arguments: Any) -> Any:
        numbers = iter(next(argument for argument in arguments if isinstance(argument, range)))
        interrupted = arguments[-1]

        def asked() -> bool:
            if next(numbers) == step:
                act()
            return interrupted()

        return original(*arguments[:-1], asked)

    patch.setattr(network, "train_bundle", train_bundle)


def interrupt(directory: Path, step: int, *overrides: str, signum: int = signal.SIGTERM) -> None:
    """Train until a signal comes in the update with that number; go on instead, if there is a run."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted) as caught:
        at_step(patch, step, lambda: signal.raise_signal(signum))
        if directory.exists():
            linnet.resume.resume(directory)
        else:
            linnet.train(words(directory, *overrides))
    assert caught.value.exit_code == 128 + signum
    assert status(directory)["state"] == "interrupted"
    assert load(directory / "checkpoints" / "last.ckpt")["linnet"]["steps_done"] == step


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function of overrides that gives the directory of a run that nobody interrupted."""

    @cache
    def directory(*overrides: str) -> Path:
        path = tmp_path_factory.mktemp("uninterrupted") / "run"
        linnet.train(words(path, *overrides))
        return path

    return directory


@pytest.fixture(scope="module")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run interrupted after step 22 of 45, whose previous checkpoint is of step 19. To be copied."""
    path = tmp_path_factory.mktemp("halfway") / "run"
    interrupt(path, 22, *FAMILIES["momentum"])
    assert load(path / "checkpoints" / "previous.ckpt")["linnet"]["steps_done"] == 19
    return path


@pytest.fixture
def run(halfway: Path, tmp_path: Path) -> Path:
    """A copy of the run that was interrupted halfway."""
    return shutil.copytree(halfway, tmp_path / "run")


@pytest.fixture
def finished(uninterrupted: Callable[..., Path]) -> Path:
    """What that run is to end as."""
    return uninterrupted(*FAMILIES["momentum"])


class TestEndsAsIfNotInterrupted:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_with_every_optimizer(self, family, uninterrupted, compare, tmp_path):
        interrupt(tmp_path / "run", 22, *FAMILIES[family])
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", uninterrupted(*FAMILIES[family]))

    # In the first minibatch; at a checkpoint; around the end of an epoch; before and at the very last step.
    @pytest.mark.parametrize("step", [1, 4, 14, 15, 16, 44, 45])
    def test_from_every_kind_of_step(self, step, finished, compare, tmp_path):
        interrupt(tmp_path / "run", step, *FAMILIES["momentum"])
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_interrupted_again_and_again(self, finished, compare, tmp_path):
        for step in (3, 4, 17, 30, 31):
            interrupt(tmp_path / "run", step, *FAMILIES["momentum"], signum=signal.SIGINT)
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)
        steps = [part["step"] for part in read_json(tmp_path / "run" / "manifest.json")["resumed"]]
        assert steps == [3, 4, 17, 30, 31]

    def test_after_a_signal_while_data_is_loaded(self, finished, compare, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(life, "build_data", lambda _: signal.raise_signal(signal.SIGTERM))
            assert train(tmp_path / "run", *FAMILIES["momentum"]) == KILLED
        assert status(tmp_path / "run")["state"] == "interrupted"
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    # Lightning puts its own handlers in the way for some of these, and its own ends of a run for others.
    @pytest.mark.parametrize(
        ("owner", "hook", "signum"),
        [
            (RunLogger, "__init__", signal.SIGTERM),
            (network.LinearNetwork, "configure_optimizers", signal.SIGTERM),
            (network.LinearNetwork, "on_fit_start", signal.SIGINT),
            (network.LinearNetwork, "on_train_epoch_start", signal.SIGTERM),
            (network.LinearNetwork, "validation_step", signal.SIGINT),
            (Checkpoint, "on_train_start", signal.SIGINT),
            (Checkpoint, "on_train_start", signal.SIGTERM),
            (Checkpoint, "on_train_end", signal.SIGTERM),
            (Checkpoint, "restore_selected", signal.SIGINT),
            (RunLogger, "log_result", signal.SIGTERM),
            (life, "print_result", signal.SIGINT),
        ],
    )
    def test_after_a_signal_in(self, owner, hook, signum, finished, compare, tmp_path):
        original = getattr(owner, hook)

        def interrupted(*arguments: Any, **options: Any) -> Any:
            signal.raise_signal(signum)
            return original(*arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, hook, interrupted)
            assert train(tmp_path / "run", *FAMILIES["momentum"]) == 128 + signum
        assert status(tmp_path / "run")["state"] == "interrupted"
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_after_a_signal_in_evaluation(self, finished, compare, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(life, "evaluate_parts", lambda *_: signal.raise_signal(signal.SIGINT))
            assert train(tmp_path / "run", *FAMILIES["momentum"]) == INTERRUPTED
        assert status(tmp_path / "run")["state"] == "interrupted"
        with monkeypatch.context() as patch:
            patch.setattr(life, "fit", lambda *_: pytest.fail("it was trained already"))
            assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_after_a_failure_in_evaluation(self, finished, compare, tmp_path, monkeypatch):
        def broken(*_: object) -> None:
            raise RuntimeError("broken")

        with monkeypatch.context() as patch:
            patch.setattr(life, "evaluate_parts", broken)
            with pytest.raises(RuntimeError, match="broken"):
                train(tmp_path / "run", *FAMILIES["momentum"])
        assert status(tmp_path / "run")["state"] == "failed"
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)
        assert "error" not in status(tmp_path / "run")

    def test_after_a_failure_in_training(self, finished, compare, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            at_step(patch, 27, lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                train(tmp_path / "run", *FAMILIES["momentum"])
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    @pytest.mark.parametrize("where", ["at the best", "before the last", "at the last"])
    def test_with_early_stopping(self, where, uninterrupted, compare, tmp_path):
        expected = uninterrupted(*STOPPING)
        last = status(expected)["step"]
        assert last == BEST_STEP + 2 * 20  # stopped by its patience, not by the number of epochs
        interrupt(tmp_path / "run", {"at the best": BEST_STEP, "before the last": last - 1}.get(where, last), *STOPPING)
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", expected)

    @pytest.mark.parametrize("step", [BEST_STEP - 10, BEST_STEP + 30])
    def test_with_the_best_epoch_after_and_before_the_interruption(self, step, uninterrupted, compare, tmp_path):
        expected = uninterrupted(*RESTLESS)
        assert status(expected)["kept_epoch"] == 2
        interrupt(tmp_path / "run", step, *RESTLESS)
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", expected)
        best, other = (load(path / "checkpoints" / "best.ckpt") for path in (tmp_path / "run", expected))
        assert best["global_step"] == other["global_step"] == BEST_STEP
        assert torch.equal(best["state_dict"]["weight"], other["state_dict"]["weight"])

    @pytest.mark.parametrize(
        "overrides",
        [
            (*BLOBS, "data.n_val=0"),
            (*BLOBS, "callbacks.checkpoint.select=last"),
            (*BLOBS, "callbacks.checkpoint.every_n_steps=null"),
            (*BLOBS, "trainer.overfit_batches=6"),
            (*NUMBERS, "trainer.max_epochs=1", "figures=true"),
            (*BLOBS, "data.batch_size=60", "trainer.max_epochs=15"),
        ],
        ids=["no validation", "select last", "no checkpoint before", "overfit", "figures", "full batch"],
    )
    def test_of_other_kinds(self, overrides, uninterrupted, compare, tmp_path):
        interrupt(tmp_path / "run", 13, *overrides)
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", uninterrupted(*overrides))

    def test_of_a_job_of_a_sweep(self, uninterrupted, compare, tmp_path):
        swept = ["-m", f"hydra.sweep.dir={tmp_path / 'sweep'}", *COMMON, *BLOBS, "optimizer.lr=0.1,0.2"]
        with pytest.MonkeyPatch.context() as patch:
            first = tmp_path / "sweep" / "0" / "metrics.json"
            at_step(patch, 22, lambda: first.exists() and signal.raise_signal(signal.SIGTERM))
            assert cli.run(["train", *swept]) == KILLED
        assert status(tmp_path / "sweep" / "0")["state"] == "completed"
        assert status(tmp_path / "sweep" / "1")["state"] == "interrupted"
        assert resume(tmp_path / "sweep" / "1") == 0
        compare(tmp_path / "sweep" / "1", uninterrupted(*BLOBS, "optimizer.lr=0.2"))

    def test_from_another_current_directory(self, run, finished, compare, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert resume(Path("run")) == 0
        compare(run, finished)


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

    def test_history_and_curves_end_at_the_interruption_until_it_goes_on(self, run, kill):
        curve = read_history(run / "history.csv")["train/loss"]
        assert curve.step == list(range(1, 23))
        assert [step for step, _ in kill.scalars(run)["train/loss"]] == list(range(2, 23, 2))

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
        assert capsys.readouterr().out == f"{finished} is completed: nothing to do\n"
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
            assert f"another process is at work on this run (pid {os.getpid()} on" in one_line(capsys)
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
        assert f"another process is at work on this run (pid {pid} on" in one_line(capsys)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with RunDirectory(run, resumed=True) as directory:  # the lock went with the process
            assert directory.state_before == "interrupted"
        for descriptor in (*ready, *lived):
            os.close(descriptor)


class TestChangedSince:
    def test_configuration(self, run, capsys):
        config = OmegaConf.load(run / ".hydra" / "config.yaml")
        config.optimizer.lr = 0.5
        OmegaConf.save(config, run / ".hydra" / "config.yaml")
        assert resume(run) == 2
        assert "was changed after the run began" in one_line(capsys)
        assert status(run)["state"] == "interrupted"
        assert "was changed after the run began" in status(run)["error"]

    def test_data(self, run, finished, compare, capsys, monkeypatch):
        original = life.build_data

        def altered(config: dict[str, Any]) -> Any:
            data = original(config)
            data.source = replace(data.source, checksum="0" * 64)
            return data

        with monkeypatch.context() as patch:
            patch.setattr(life, "build_data", altered)
            assert resume(run) == 2
        assert "the data is not what the run began with (checksum 000000000000, recorded" in one_line(capsys)
        assert status(run)["state"] == "interrupted"
        assert resume(run) == 0
        compare(run, finished)

    def test_data_that_is_gone(self, run, finished, compare, capsys, monkeypatch):
        def missing(_: object) -> None:
            raise InputError("not on this machine")

        with monkeypatch.context() as patch:
            patch.setattr(life, "build_data", missing)
            assert resume(run) == 2
        assert one_line(capsys) == "linnet: not on this machine"
        assert status(run)["state"] == "interrupted"
        assert resume(run) == 0
        compare(run, finished)

    @pytest.mark.parametrize("content", [b"a,b\n", b"train/loss,1\n", b"train/loss,1,x\n", b"\xff\0\n"])
    def test_history_damaged(self, content, run, capsys):
        whole = (run / "history.csv").read_bytes()
        start = 0 if content.startswith(b"a") else len(b"metric,step,value\n")
        content += b"\n" * (start == 0)
        (run / "history.csv").write_bytes(whole[:start] + content + whole[start + len(content) :])
        assert resume(run) == 2
        assert "history.csv is damaged" in one_line(capsys)
        assert status(run)["state"] == "interrupted"

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", "{}", '{"config_sha256": 1}', "\xff", '{"threads": null, "data_checksum": 1}']
    )
    def test_manifest_damaged(self, content, run, capsys):
        (run / "manifest.json").write_text(content, encoding="latin-1")
        assert resume(run) == 2
        assert "manifest.json" in one_line(capsys)
        assert status(run)["state"] == "interrupted"

    def test_status_damaged(self, run, finished, compare):
        (run / "status.json").write_text('{"state": "runn')
        assert resume(run) == 0
        compare(run, finished)

    def test_other_threads_and_versions_are_recorded(self, run):
        manifest = read_json(run / "manifest.json")
        write_json(run / "manifest.json", {**manifest, "python": "3.0.0"})
        assert resume(run) == 0
        (again,) = read_json(run / "manifest.json")["resumed"]
        assert again["step"] == 22
        assert again["differs"]["python"][0] == "3.0.0"


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


class TestDamagedCheckpoint:
    def test_of_any_cut_and_any_flipped_bit_is_noticed(self, run):
        path, rng = run / "checkpoints" / "last.ckpt", random.Random(0)
        content = path.read_bytes()
        cuts = [content[:length] for length in rng.sample(range(len(content)), 100)]
        flips = [flipped(content, place, rng.randrange(8)) for place in rng.sample(range(len(content)), 500)]
        for altered in (*cuts, *flips, content + b" ", b""):
            path.write_bytes(altered)
            with pytest.raises(Damaged):
                load(path)
        path.write_bytes(content)
        load(path)

    def test_can_be_read_by_others(self, run):
        path = run / "checkpoints" / "last.ckpt"
        assert torch.load(path, weights_only=True).keys() == load(path).keys()
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None

    @pytest.mark.parametrize("part", [0.0, 0.3, 0.8, 0.999])
    def test_cut_short_falls_back_to_the_previous(self, part, run, finished, compare, capsys):
        path = run / "checkpoints" / "last.ckpt"
        os.truncate(path, int(part * path.stat().st_size))
        assert resume(run) == 0
        printed = capsys.readouterr().out
        assert "last.ckpt is damaged" in printed
        assert "going on from previous.ckpt" in printed
        assert "going on after step 19" in printed
        compare(run, finished)

    def test_with_a_flipped_bit_falls_back_to_the_previous(self, run, finished, compare, capsys):
        path = run / "checkpoints" / "last.ckpt"
        content = path.read_bytes()
        weight = load(path)["state_dict"]["weight"].numpy().tobytes()
        path.write_bytes(flipped(content, content.index(weight) + 1, 3))
        assert resume(run) == 0
        assert "last.ckpt is damaged" in capsys.readouterr().out
        compare(run, finished)

    def test_missing_falls_back_to_the_previous(self, run, finished, compare):
        (run / "checkpoints" / "last.ckpt").unlink()
        assert resume(run) == 0
        compare(run, finished)

    def test_does_not_replace_the_previous_good_one(self, run, finished, compare, monkeypatch):
        # Killed between the two renames of the next checkpoint, the run must still have one to go on with.
        path = run / "checkpoints" / "last.ckpt"
        path.write_bytes(path.read_bytes()[:-9])

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint_file, "save", killed)
            assert resume(run) == INTERRUPTED
        assert resume(run) == 0
        compare(run, finished)

    def test_and_previous_are_kept_where_there_are_no_links(self, finished, compare, tmp_path, monkeypatch):
        def refused(*_: object) -> None:
            raise PermissionError("no links on this file system")

        monkeypatch.setattr(os, "link", refused)
        interrupt(tmp_path / "run", 22, *FAMILIES["momentum"])
        folder = tmp_path / "run" / "checkpoints"
        assert load(folder / "previous.ckpt")["linnet"]["steps_done"] == 19
        (folder / "last.ckpt").write_bytes(b"")
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_without_a_previous_one_is_refused(self, run, capsys):
        before = status(run)
        for name in ("last", "previous"):
            (run / "checkpoints" / f"{name}.ckpt").write_bytes(b"PK\3\4 and no more")
        history = (run / "history.csv").read_bytes()
        assert resume(run) == 2
        line = one_line(capsys)
        assert "last.ckpt is damaged" in line
        assert "previous.ckpt is damaged" in line
        assert "to begin anew" in line
        assert status(run)["state"] == before["state"]
        assert (run / "history.csv").read_bytes() == history

    def test_removed_begins_anew(self, run, finished, compare, capsys):
        shutil.rmtree(run / "checkpoints")
        assert resume(run) == 0
        assert "from the beginning" in capsys.readouterr().out
        compare(run, finished)

    @pytest.mark.parametrize("pattern", ["history.csv", PATTERN])
    def test_log_file_missing_is_refused(self, pattern, run, capsys):
        next(run.glob(pattern)).unlink()
        assert resume(run) == 2
        assert "is shorter than when the checkpoint was written" in one_line(capsys)

    def test_log_file_cut_falls_back_to_the_previous(self, run, finished, compare, capsys):
        # As a power failure may leave it on a file system that keeps no order.
        size = load(run / "checkpoints" / "previous.ckpt")["linnet"]["position"]["history.csv"]
        os.truncate(run / "history.csv", size + 3)
        assert resume(run) == 0
        assert "history.csv is shorter" in capsys.readouterr().out
        compare(run, finished)


class Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def altered(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a checkpoint as its author could."""
    checkpoint = load(path)
    change(checkpoint)
    save(path, checkpoint)


class TestStrangers:
    @pytest.mark.parametrize("kind", ["by torch", "raw", "in the old format", "with a checksum", "beside the numbers"])
    def test_planted_pickle_is_refused(self, kind, run, tmp_path, capsys):
        planted, last = Planted(tmp_path / "executed"), run / "checkpoints" / "last.ckpt"
        write = {
            "by torch": lambda: torch.save(planted, last),
            "raw": lambda: last.write_bytes(pickle.dumps(planted)),
            "in the old format": lambda: torch.save(planted, last, _use_new_zipfile_serialization=False),
            "with a checksum": lambda: save(last, planted),
            "beside the numbers": lambda: save(last, {**load(last), "extra": planted}),
        }
        write[kind]()
        (run / "checkpoints" / "previous.ckpt").unlink()
        pickle.loads(pickle.dumps(Planted(tmp_path / "works")))
        assert (tmp_path / "works").exists()
        assert resume(run) == 2
        assert ("it holds more than numbers" if "check" in kind or "beside" in kind else "damaged") in one_line(capsys)
        assert not (tmp_path / "executed").exists()
        assert status(run)["state"] == "interrupted"

    def test_garbage_with_a_checksum_is_refused(self, run):
        # The pickle of a stranger's checkpoint, altered at random.
        path, rng = run / "checkpoints" / "last.ckpt", random.Random(0)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        (name,) = [name for name in parts if name.endswith("data.pkl")]
        for _ in range(150):
            data = flipped(parts[name], rng.randrange(len(parts[name])), rng.randrange(8))
            data = data[: rng.randrange(len(data))] if rng.random() < 0.2 else data
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                for other, text in parts.items():
                    archive.writestr(other, data if other == name else text)
            content = buffer.getvalue()[:-2]
            path.write_bytes(content + checkpoint_file.COMMENT + hashlib.sha256(content).hexdigest().encode())
            with suppress(InputError):  # and nothing else
                load(path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda saved: saved["linnet"].clear(),
            lambda saved: saved.update(linnet=3),
            lambda saved: saved.update(state_dict={}),
            lambda saved: saved["state_dict"].update(weight=torch.zeros(1, 7, 7)),
            lambda saved: saved["linnet"].update(steps_done="many"),
            lambda saved: saved["linnet"].update(steps_done=-3),
            lambda saved: saved["linnet"].update(steps_done=10**30),
            lambda saved: saved["linnet"].update(epoch_loss=None),
            lambda saved: saved["linnet"].update(optimizer=None),
            lambda saved: saved["linnet"].update(optimizer={"velocity": [torch.zeros(2)]}),
            lambda saved: saved["linnet"].update(position=None),
            lambda saved: saved["linnet"].update(position={"history.csv": -5}),
            lambda saved: saved["linnet"].update(position={"history.csv": "5"}),
            lambda saved: saved.update(callbacks={}),
            lambda saved: saved.update(callbacks=[1]),
            lambda saved: next(iter(saved["callbacks"].values())).clear(),
        ],
    )  # fmt: skip
    def test_other_content_is_refused_in_one_line(self, change, run, capsys):
        altered(run / "checkpoints" / "last.ckpt", change)
        assert resume(run) == 2
        assert "checkpoint" in one_line(capsys)
        assert status(run)["state"] == "interrupted"

    @pytest.mark.parametrize(
        "name", ["history.csv", "events", "checkpoints", "train.log", ".lock", "status.json", "manifest.json", "new"]
    )
    def test_link_out_of_the_directory_is_refused(self, name, run, tmp_path, capsys):
        path = next(run.glob(PATTERN)) if name == "events" else run / name
        outside = tmp_path / "outside"
        if path.exists():
            shutil.move(path, outside)
        else:
            outside.write_bytes(b"mine")
        path.symlink_to(outside)
        before = contents(outside)
        assert resume(run) == 2
        assert f"{path} leads out of the run directory" in one_line(capsys)
        assert contents(outside) == before

    @pytest.mark.parametrize("name", ["history.csv", ".hydra/config.yaml", "checkpoints/last.ckpt", "else"])
    def test_pipe_is_refused(self, name, run, capsys):
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)
        assert resume(run) == 2
        assert f"{run / name} is neither a file nor a directory" in one_line(capsys)

    @pytest.mark.parametrize("size", [0, -1, 2])
    def test_position_of_a_file_outside_leaves_it_alone(self, size, run, tmp_path, capsys):
        outside = tmp_path / "outside.csv"
        outside.write_bytes(b"mine")
        for name in ("last", "previous"):
            altered(
                run / "checkpoints" / f"{name}.ckpt",
                lambda saved: saved["linnet"]["position"].update({"../outside.csv": size, str(outside): size}),
            )
        assert resume(run) == 2
        assert "checkpoint" in one_line(capsys)
        assert outside.read_bytes() == b"mine"

    @pytest.mark.parametrize(
        "handler",
        [
            {"class": "logging.FileHandler", "filename": "OUTSIDE"},
            {"class": "logging.FileHandler", "filename": "${hydra:runtime.output_dir}/../outside"},
            {"class": "logging.FileHandler", "filename": "OUTSIDE", "mode": "w"},
            {"class": "logging.FileHandler", "filename": "${hydra:runtime.output_dir}/x.log", "delay": True,
             ".": {"baseFilename": "OUTSIDE"}},
        ],
    )  # fmt: skip
    def test_log_file_outside_is_left_alone(self, handler, run, tmp_path):
        outside = tmp_path / "outside"
        outside.write_bytes(b"mine")
        hydra = OmegaConf.load(run / ".hydra" / "hydra.yaml")
        planted = OmegaConf.create(str(handler).replace("OUTSIDE", str(outside)))
        hydra.hydra.job_logging.handlers.planted = planted
        hydra.hydra.job_logging.root.handlers = ["console", "planted"]
        OmegaConf.save(hydra, run / ".hydra" / "hydra.yaml")
        assert resume(run) == 2
        assert outside.read_bytes() == b"mine"


def contents(path: Path) -> dict[Path, bytes]:
    """Of a file, or of all files below a directory."""
    return {file: file.read_bytes() for file in (path, *path.rglob("*")) if file.is_file()}
