"""Files that are brought to the disk one by one, or all at once."""

from pathlib import Path

import pytest

from linnet.system import files


def test_all_at_once_is_one_sync_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(files.os, "fsync", lambda _: calls.append("one"))
    monkeypatch.setattr(files.os, "sync", lambda: calls.append("all"))
    with pytest.raises(ZeroDivisionError), files.synced_at_once():
        for name in "ab":
            files.write_atomic(tmp_path / name, name)
        assert calls == []
        raise ZeroDivisionError
    assert calls == ["all"]
    files.write_atomic(tmp_path / "c", "c")
    assert calls == ["all", "one", "one"]  # the file, and the name of it in the directory
    assert [(tmp_path / name).read_text() for name in "abc"] == list("abc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


class TestFolder:
    def test_is_there_as_a_whole_or_not_at_all(self, tmp_path: Path) -> None:
        files.write_folder(tmp_path / "whole", {"a": b"1", "b/c": b"2"})
        assert {path.name for path in (tmp_path / "whole").rglob("*")} == {"a", "b", "c"}
        with pytest.raises(OSError):
            files.write_folder(tmp_path / "half", {"a": b"1", "a/b": b"2"})
        assert [path.name for path in tmp_path.iterdir()] == ["whole"]

    @pytest.mark.parametrize("kind", ["file", "link", "folder"])
    def test_replaces_nothing_that_has_come_since(self, tmp_path: Path, kind: str) -> None:
        place = tmp_path / "place"
        if kind == "link":
            place.symlink_to(tmp_path)
        elif kind == "file":
            place.write_text("mine")
        else:
            (place / "mine").mkdir(parents=True)
        with pytest.raises(OSError):
            files.write_folder(place, {"a": b"1"})
        assert [path.name for path in tmp_path.iterdir()] == ["place"] and not (place / "a").exists()
