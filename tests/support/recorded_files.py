"""Recorded numbers of experiments, and edits of recorded configurations."""

from pathlib import Path


def recorded_arms(*overrides: str) -> "list[dict[str, object]]":
    figure = {"tolerance": 1.0, "values": [0.0, 0.0]}
    return [{"overrides": list(overrides), "state": "completed", "metrics": {"val/loss": figure}}]


def edit_yaml(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
