"""Runs that cannot be reproduced are refused in one line, and nothing is left behind."""

import os
from pathlib import Path

import pytest
from recorded_files import edit_yaml

from linnet.system.errors import InputError


class TestRefused:
    @pytest.mark.parametrize("state", ["interrupted", "failed", "running"])
    def test_unfinished_run(self, state, run, edit, refusal):
        edit(run / "status.json", state=state)
        message = refusal(run)
        assert f"is {state}" in message and f"linnet resume {run}" in message

    @pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '{"state": ["completed"]}'])
    def test_status_that_says_nothing(self, content, run, refusal):
        (run / "status.json").write_text(content)
        assert f"linnet resume {run}" in refusal(run)

    def test_place_in_use(self, run, refusal):
        Path("used").mkdir()
        Path("used/file").touch()
        assert "used is in use: choose a new directory for --dir" in refusal(run, "--dir", "used")
        assert "is in use" in refusal(run, "--dir", "used/file")

    def test_place_in_the_run(self, run, refusal, monkeypatch):
        assert "choose another place by --dir" in refusal(run, "--dir", run / "again")
        monkeypatch.chdir(run)
        assert "choose another place by --dir" in refusal(".")

    def test_data_that_is_not_here_leaves_nothing(self, run, refusal, monkeypatch):
        def gone(*args, **kwargs):
            raise InputError("the data is gone")

        monkeypatch.setattr("linnet.training.setup.build_data", gone)
        assert "the data is gone" in refusal(run)
        Path("runs").mkdir()
        refusal(run, "--dir", "runs/mine")
        Path("empty").mkdir()
        refusal(run, "--dir", "empty")

    @pytest.mark.parametrize("target", ["os.system", "builtins.open", "pathlib.Path.write_text"])
    def test_planted_callable(self, target, run, refusal):
        edit_yaml(run / ".hydra/config.yaml", "linnet.optimizers.SGD", target)
        assert f"optimizer._target_={target}: not on the list" in refusal(run)

    @pytest.mark.parametrize(
        ("old", "new"), [("choices:", "chosen:"), ("runtime:", "ran:"), ("optimizer: sgd", "x: y")]
    )
    def test_damaged_configuration(self, old, new, run, refusal):
        edit_yaml(run / ".hydra/hydra.yaml", old, new)
        assert str(run / ".hydra") in refusal(run)

    @pytest.mark.parametrize("name", ["manifest.json", "weights.safetensors", "uncommitted.diff", ".hydra/config.yaml"])
    def test_link_that_leads_out(self, name, run, tmp_path, refusal):
        (tmp_path / "secret").write_text("{}")
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(tmp_path / "secret")
        assert "leads out of the run directory" in refusal(run)

    def test_pipe_that_nobody_writes_to(self, run, refusal):
        (run / "metrics.json").unlink()
        os.mkfifo(run / "metrics.json")
        assert "is no regular file" in refusal(run)
