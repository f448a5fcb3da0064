"""Runs within a sweep, and runs that end early."""

import pytest
from run_directory import FILES, SHORT, events, files, train, weights_sha256

from linnet.models import LinearNetwork
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking import read_history
from linnet.training import finalize, setup


class TestSweep:
    def test_makes_a_complete_run_of_each_job(self, sweep):
        for job, lr in (("0", 0.05), ("1", 0.2)):
            assert files(sweep / job) == FILES
            assert read_json(sweep / job / "status.json")["state"] == "completed"
            assert set(read_history(sweep / job / "history.csv")["train/lr"].value) == {lr}

    def test_job_is_the_same_as_a_run_alone(self, sweep, tmp_path):
        alone = train(tmp_path / "run", *SHORT, "optimizer.lr=0.2")
        assert weights_sha256(sweep / "1") == weights_sha256(alone.directory)


class TestFailure:
    OVERRIDES = ("trainer.max_epochs=2", "figures=false")

    def test_of_a_component_is_recorded_with_its_traceback(self, tmp_path, monkeypatch):
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("the evaluation broke\nin two lines")

        monkeypatch.setattr(finalize, "evaluate_parts", broken)
        with pytest.raises(RuntimeError, match="the evaluation broke"):
            train(tmp_path / "run", *self.OVERRIDES)
        status = read_json(tmp_path / "run" / "status.json")
        assert status["state"] == "failed"
        assert status["error"] == "RuntimeError: the evaluation broke"
        log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
        assert "Traceback (most recent call last)" in log
        assert "in broken" in log
        assert not (tmp_path / "run" / "metrics.json").exists()

    def test_keeps_what_was_logged(self, tmp_path, monkeypatch):
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(finalize, "evaluate_parts", broken)
        with pytest.raises(RuntimeError):
            train(tmp_path / "run", *self.OVERRIDES)
        assert len(read_history(tmp_path / "run" / "history.csv")["val/loss"].step) == 2
        assert events(tmp_path / "run").Scalars("val/loss")

    def test_claims_the_directory(self, tmp_path, monkeypatch):
        monkeypatch.setattr(setup, "build_data", lambda *_, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(tmp_path / "run", *self.OVERRIDES)
        with pytest.raises(InputError, match=r"belongs to another run \(state failed\)"):
            train(tmp_path / "run", *self.OVERRIDES)

    def test_interruption_in_fit_is_recorded(self, tmp_path, monkeypatch):
        begin = LinearNetwork.begin_epoch

        def interrupted(module: LinearNetwork, epoch: int, max_epochs: int) -> None:
            if epoch == 1:
                raise KeyboardInterrupt
            begin(module, epoch, max_epochs)

        monkeypatch.setattr(LinearNetwork, "begin_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "run", *self.OVERRIDES)
        assert read_json(tmp_path / "run" / "status.json")["state"] == "interrupted"
        assert len(read_history(tmp_path / "run" / "history.csv")["val/loss"].step) == 1
