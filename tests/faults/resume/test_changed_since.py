"""`linnet resume` where something was changed or damaged after the interruption."""

from dataclasses import replace
from typing import Any

import pytest
from interrupted_run import one_line, resume, status
from omegaconf import OmegaConf

from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking.manifest_file import write_manifest
from linnet.training import setup


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
        original = setup.build_data

        def altered(config: dict[str, Any], **options: Any) -> Any:
            data = original(config, **options)
            data.source = replace(data.source, checksum="0" * 64)
            return data

        with monkeypatch.context() as patch:
            patch.setattr(setup, "build_data", altered)
            assert resume(run) == 2
        assert "the data is not what the run began with (checksum 000000000000, recorded" in one_line(capsys)
        assert status(run)["state"] == "interrupted"
        assert resume(run) == 0
        compare(run, finished)

    def test_data_that_is_gone(self, run, finished, compare, capsys, monkeypatch):
        def missing(*_: object, **__: object) -> None:
            raise InputError("not on this machine")

        with monkeypatch.context() as patch:
            patch.setattr(setup, "build_data", missing)
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
        write_manifest(run, {**manifest, "python": "3.0.0"})
        assert resume(run) == 0
        (again,) = read_json(run / "manifest.json")["resumed"]
        assert again["step"] == 22
        assert again["differs"]["python"][0] == "3.0.0"
