"""Where a run came from: the state of the checkout, and what differs between two environments."""

import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

import linnet
from linnet.system.reading import read_json
from linnet.tracking import manifest
from linnet.tracking.manifest import environment_differences, git_state, write_changes


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit, which linnet takes for the one it was imported from."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "model.py").write_text("lr = 1\n", encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    monkeypatch.setattr(manifest, "_checkouts", lambda: [folder])
    return folder


class TestGitState:
    def test_names_the_commit(self, checkout):
        assert git_state(checkout) == {"commit": git(checkout, "rev-parse", "HEAD").strip(), "dirty": False}

    def test_is_dirty_once_a_tracked_file_changes(self, checkout):
        (checkout / "notes.txt").touch()
        assert not git_state(checkout)["dirty"]
        (checkout / "model.py").write_text("lr = 2\n", encoding="utf-8")
        assert git_state(checkout)["dirty"]

    def test_is_none_where_nothing_is_tracked(self, checkout, tmp_path):
        assert git_state(tmp_path) is None
        (checkout / "untracked").mkdir()
        assert git_state(checkout / "untracked") is None

    def test_runs_no_program_that_a_stranger_s_checkout_names(self, checkout, tmp_path):
        for key in ("core.fsmonitor", "diff.external"):
            git(checkout, "config", key, f"touch {tmp_path / 'executed'}; true")
        (checkout / "model.py").write_text("lr = 2\n", encoding="utf-8")
        write_changes(tmp_path, {"git": git_state(checkout)})
        assert "+lr = 2" in (tmp_path / "uncommitted.diff").read_text(encoding="utf-8")
        assert not (tmp_path / "executed").exists()


class TestChanges:
    OVERRIDES = ("data=synthetic_regression", "trainer.max_epochs=1", "figures=false")

    def test_of_a_dirty_checkout_are_kept_and_can_be_applied(self, checkout, tmp_path):
        (checkout / "model.py").write_text("lr = 2\n", encoding="utf-8")
        (checkout / "bytes").write_bytes(bytes(range(256)))
        git(checkout, "add", "bytes")
        linnet.train([*self.OVERRIDES, f"hydra.run.dir={tmp_path / 'run'}"])
        assert read_json(tmp_path / "run" / "manifest.json")["git"]["dirty"]
        git(checkout, "stash", "-q")
        git(checkout, "apply", str(tmp_path / "run" / "uncommitted.diff"))
        assert (checkout / "model.py").read_text(encoding="utf-8") == "lr = 2\n"
        assert (checkout / "bytes").read_bytes() == bytes(range(256))

    def test_of_a_clean_one_are_none(self, checkout, tmp_path):
        linnet.train([*self.OVERRIDES, f"hydra.run.dir={tmp_path / 'run'}"])
        assert not (tmp_path / "run" / "uncommitted.diff").exists()


class TestEnvironmentDifferences:
    BEFORE: ClassVar = {
        "threads": 2, "cpu": "one", "data_checksum": "a", "command": ["linnet", "train"], "directory": "/there",
        "git": {"commit": "c", "dirty": False}, "packages": {"torch": "2.14.1", "numpy": "2.2"},
    }  # fmt: skip

    def test_of_equal_environments_are_none_wherever_they_are(self):
        assert environment_differences(self.BEFORE, {**self.BEFORE, "directory": "/here", "command": []}) == {}

    def test_name_what_differs_with_both_values(self):
        now = {**self.BEFORE, "threads": 1, "git": None, "packages": {"torch": "2.15", "numpy": "2.2"}}
        assert environment_differences(self.BEFORE, now) == {
            "threads": [2, 1], "git.commit": ["c", None], "git.dirty": [False, None], "torch": ["2.14.1", "2.15"],
        }  # fmt: skip

    def test_of_an_older_manifest_name_what_it_lacks(self):
        assert environment_differences({}, {"threads": 1}) == {"threads": [None, 1]}
