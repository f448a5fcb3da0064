"""`linnet resume`: wherever a run was interrupted, it ends as if it had not been."""

import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted_run import (
    BEST_STEP,
    BLOBS,
    COMMON,
    FAMILIES,
    INTERRUPTED,
    KILLED,
    NUMBERS,
    RESTLESS,
    STOPPING,
    at_step,
    interrupt,
    resume,
    status,
    train,
)
from pytorch_lightning import LightningModule

from linnet.cli import main as cli
from linnet.models import network
from linnet.system.errors import Interrupted
from linnet.system.interrupts import Interrupts
from linnet.system.reading import read_json
from linnet.tracking import Checkpoint, RunLogger
from linnet.tracking.checkpoint_file import load
from linnet.training import finalize, fit, setup


class TestEndsAsIfNotInterrupted:
    @pytest.mark.parametrize(
        "family",
        [
            pytest.param(name, marks=[] if name in ("sgd", "adam", "lbfgs", "resamples") else [pytest.mark.long])
            for name in FAMILIES
        ],
    )
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

    def test_after_a_signal_whose_exception_a_library_swallowed(self, finished, compare, tmp_path):
        with Interrupts():
            with suppress(Interrupted):
                signal.raise_signal(signal.SIGTERM)
            assert train(tmp_path / "run", *FAMILIES["momentum"]) == KILLED
        assert status(tmp_path / "run")["state"] == "interrupted"
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_after_a_signal_while_data_is_loaded(self, finished, compare, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(setup, "build_data", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
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
            (network.LinearNetwork, "begin", signal.SIGINT),
            (network.LinearNetwork, "begin_epoch", signal.SIGTERM),
            (network.LinearNetwork, "validate", signal.SIGINT),
            (Checkpoint, "on_train_start", signal.SIGINT),
            (Checkpoint, "on_train_start", signal.SIGTERM),
            (Checkpoint, "on_train_end", signal.SIGTERM),
            (Checkpoint, "restore_selected", signal.SIGINT),
            (RunLogger, "log_result", signal.SIGTERM),
            (finalize, "print_result", signal.SIGINT),
        ],
    )
    def test_after_a_signal_in(self, owner, hook, signum, finished, compare, tmp_path):
        original = getattr(owner, hook)

        def interrupted(*arguments: Any, **options: Any) -> Any:
            signal.raise_signal(signum)
            return original(*arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            if hasattr(LightningModule, hook):  # which only a Trainer calls
                patch.setattr(fit, "needs_no_trainer", lambda context: False)
            patch.setattr(owner, hook, interrupted)
            assert train(tmp_path / "run", *FAMILIES["momentum"]) == 128 + signum
        assert status(tmp_path / "run")["state"] == "interrupted"
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_after_a_signal_in_evaluation(self, finished, compare, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(finalize, "evaluate_parts", lambda *_, **__: signal.raise_signal(signal.SIGINT))
            assert train(tmp_path / "run", *FAMILIES["momentum"]) == INTERRUPTED
        assert status(tmp_path / "run")["state"] == "interrupted"
        with monkeypatch.context() as patch:
            patch.setattr(fit, "run_trainer", lambda *_: pytest.fail("it was trained already"))
            assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_after_a_failure_in_evaluation(self, finished, compare, tmp_path, monkeypatch):
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("broken")

        with monkeypatch.context() as patch:
            patch.setattr(finalize, "evaluate_parts", broken)
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

    @pytest.mark.long
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
