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
