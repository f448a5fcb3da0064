"""Finished and unfinished runs as a comparison sees them: read from their small text files, whatever state they are in.

Neither torch nor TensorBoard is imported here, and hundreds of runs take about a second.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from linnet.errors import InputError
from linnet.files import read_json

NOT_SETTINGS = ("hydra", "figures", "name", "seed")
"""Overrides that no two runs are compared by: where files go, what is drawn, and the seed, which is averaged over."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class SavedRun:
    """What is known of one run.

    path: the run directory.
    state: as in status.json; "unknown" where that is empty or damaged.
    reason: why it is not completed, in one line; empty for a completed run.
    seconds: from its start to its end, or to its last sign of life; None if unknown.
    overrides: key -> value that its user gave.
    choices: config group -> chosen option; of a run that ended before its manifest was written, those overridden.
    config: the resolved configuration; of such a run, as far as Hydra wrote it.
    metrics: final metrics, those that are finite numbers; empty for a run that did not complete.
    """

    path: Path
    state: str
    reason: str
    seconds: float | None
    overrides: Mapping[str, Any]
    choices: Mapping[str, Any]
    config: Mapping[str, Any]
    metrics: Mapping[str, float]

    @cached_property
    def settings(self) -> list[str]:
        """The keys it may be told by from other runs."""
        return [key for key in self.overrides if key.replace("/", ".").partition(".")[0] not in NOT_SETTINGS]

    @property
    def seed(self) -> Any:
        return self.value("seed")

    def value(self, key: str) -> Any:
        """What `key` was in this run: an option's name for a group, None where the run has no such key."""
        if key in self.choices:
            return self.choices[key]
        node: Any = self.config
        for word in key.split("."):
            if not isinstance(node, Mapping) or word not in node:
                return self.overrides.get(key)
            node = node[word]
        return self.overrides.get(key) if isinstance(node, Mapping) else node


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """The run directories at any depth below the folders, each once, in natural order (2 before 10).

    Raises:
        InputError: if a folder does not exist, or there is no run below any of them.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"compare: {folder} is no directory")
        for path in _runs_below(folder):
            found.setdefault(path.resolve(), path)
    if not found:
        raise InputError(f"compare: no run below {', '.join(map(str, folders))}; `linnet train` makes one below runs")
    return sorted(found.values(), key=_natural)


def read_run(path: Path) -> SavedRun:
    """Read a run directory. A file that is missing or damaged costs what it would have told, and nothing else."""
    status, manifest, metrics = (_read(path / f"{name}.json") for name in ("status", "manifest", "metrics"))
    overrides = _overrides(path / ".hydra" / "overrides.yaml")
    groups = {key: value for key, value in overrides.items() if isinstance(value, str) and "." not in key}
    state = str(status.get("state", "unknown"))
    return SavedRun(
        path=path,
        state=state,
        reason="" if state == "completed" else _reason(state, status),
        seconds=_seconds(status),
        overrides=overrides,
        choices=_mapping(manifest.get("choices")) or groups,
        config=_mapping(manifest.get("config")) or _mapping(_read_yaml(path / ".hydra" / "config.yaml")),
        metrics={key: float(value) for key, value in metrics.items() if _is_number(value)},
    )


def _runs_below(folder: Path) -> Iterator[Path]:
    for place, subfolders, files in os.walk(folder):
        if "status.json" in files:
            subfolders.clear()
            yield Path(place)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in path.parts]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(read_json(path))
    except (OSError, ValueError):
        return {}


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _overrides(path: Path) -> dict[str, Any]:
    lines = _read_yaml(path)
    texts = [line for line in lines if isinstance(line, str) and "=" in line] if isinstance(lines, list) else []
    pairs = [text.lstrip("+~").partition("=") for text in texts]
    return {key.partition("@")[0]: _value(text) for key, _, text in pairs}


def _value(text: str) -> Any:
    """The number or word that an override gave; YAML itself takes 1e-3 for a word."""
    try:
        value = yaml.load(text, _LOADER)
        return float(value) if isinstance(value, str) else value
    except (ValueError, yaml.YAMLError):
        return text


def _reason(state: str, status: Mapping[str, Any]) -> str:
    if status.get("error"):
        return " ".join(str(status["error"]).split())
    if state == "running":
        return f"last sign of life {status.get('updated', 'unknown')}"
    return "no reason was recorded" if status else "its status.json is empty or damaged"


def _seconds(status: Mapping[str, Any]) -> float | None:
    if isinstance(status.get("seconds"), (int, float)):
        return float(status["seconds"])
    try:
        started, ended = (datetime.fromisoformat(status[key]) for key in ("started", "updated"))
        return (ended - started).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
