"""Read runs in any state, completed or not, from their small text files.

Neither torch nor TensorBoard is imported here, and hundreds of runs take about a second.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from omegaconf import OmegaConf

from linnet.system.errors import InputError
from linnet.system.reading import read_json, read_texts, read_yaml
from linnet.system.sanitize import plain
from linnet.tracking.manifest_file import ACCEPT, is_unchanged
from linnet.tracking.records import State

NOT_SETTINGS = ("hydra", "figures", "name", "tags", "notes", "seed")
"""Overrides that no two runs are compared by: where files go, what is drawn, and the seed, which is averaged over."""
STATES = get_args(State)
MOST_OVERRIDES = 1000
"""Of a run that it is compared by; a damaged or planted list may have any number."""


@dataclass(frozen=True)
class SavedRun:
    """A run as its files record it.

    path: the run directory.
    state: as in status.json; "unknown" where that is empty or damaged, "changed" where the metrics are not
        those that the run wrote.
    reason: why it is not completed, in one line; empty for a completed run.
    seconds: from its start to its end, or to its last sign of life; None if unknown.
    overrides: key -> value that its user gave, as text.
    choices: config group -> chosen option; empty for a run that ended before its manifest was written.
    config: the resolved configuration; of such a run, as far as Hydra wrote it.
    metrics: final metrics, those that are finite numbers; empty for a run that did not complete.
    diverged_resamples: how many of its resamples diverged, whose metrics are not among the means `cv/…`.
    """

    path: Path
    state: str
    reason: str
    seconds: float | None
    overrides: Mapping[str, str]
    choices: Mapping[str, Any]
    config: Mapping[str, Any]
    metrics: Mapping[str, float]
    diverged_resamples: int = 0

    @cached_property
    def settings(self) -> list[str]:
        """Keys in which it may differ from other runs."""
        return [key for key in self.overrides if key.replace("/", ".").partition(".")[0] not in NOT_SETTINGS]

    @property
    def seed(self) -> Any:
        return self.value("seed")

    @property
    def tags(self) -> list[str]:
        """Words that its user gave it."""
        found = self.config.get("tags")
        return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []

    def value(self, key: str) -> Any:
        """Return the value of `key` in this run: of a group the option's name; None where the run has no such key."""
        if key in self.choices:
            return self.choices[key]
        node: Any = self.config
        for word in key.split("."):
            node = node.get(word) if isinstance(node, Mapping) else None
        if (node is None or isinstance(node, Mapping)) and key in self.overrides:
            return _parsed(self.overrides[key])
        return None if isinstance(node, Mapping) else node


def read_run(path: Path) -> SavedRun:
    """Read a run directory. If a file is missing or damaged, only what it holds is lost."""
    status, manifest, metrics = (_read(path / f"{name}.json") for name in ("status", "manifest", "metrics"))
    overrides = _overrides(path / ".hydra" / "overrides.yaml")
    given = status.get("state")
    if given is not None and given not in STATES:  # a text of any length would be drawn
        status = {"error": f"its status.json names no state: {plain(given)}"}
    state = str(given) if given in STATES else "unknown"
    if state == "completed" and not is_unchanged(path, "metrics.json", manifest):
        error = (
            f"metrics.json or manifest.json was changed since the run wrote it: restore it, or compare with {ACCEPT}"
        )
        state, status = "changed", {"error": error}
    choices, config = _mapping(manifest.get("choices")), _mapping(manifest.get("config"))
    if config:  # an override that is damaged names nothing there
        overrides = {key: text for key, text in overrides.items() if key in choices or _has(config, key)}
    return SavedRun(
        path=path,
        state=state,
        reason="" if state == "completed" else _reason(state, status),
        seconds=_seconds(status),
        overrides=overrides,
        choices=choices,
        config=config or _mapping(_read_yaml(path / ".hydra" / "config.yaml")),
        # A completed run that is being continued has metrics.json of its former end.
        metrics={key: float(value) for key, value in metrics.items() if state == "completed" and _is_number(value)},
        diverged_resamples=len(lost) if isinstance(lost := status.get("diverged_resamples"), list) else 0,
    )


def _has(config: Mapping[str, Any], key: str) -> bool:
    """Return whether a configuration has this dotted key, or had it before it was deleted by `~key`."""
    node: Any = config
    for word in [] if key.startswith("~") else key.split("."):
        if not isinstance(node, Mapping) or word not in node:
            return False
        node = node[word]
    return True


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(read_json(path))
    except (OSError, ValueError):
        return {}


def _read_yaml(path: Path) -> Any:
    try:
        return OmegaConf.to_container(read_yaml(path, path.parents[1]), resolve=False)
    except Exception:  # OmegaConf lets through whatever its YAML reader raises
        return None


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _overrides(path: Path) -> dict[str, str]:
    try:
        texts = read_texts(path, path.parents[1])[:MOST_OVERRIDES]
    except (OSError, ValueError):
        return {}
    pairs = [text.lstrip("+").partition("=") for text in texts if "=" in text]
    return {key.partition("@")[0]: value for key, _, value in pairs}


def _parsed(text: str) -> Any:
    """Return the value of an override as Hydra reads it; its text if that cannot be read."""
    try:
        return OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))["value"]  # type: ignore[index,call-overload]
    except Exception:
        return text


def _reason(state: str, status: Mapping[str, Any]) -> str:
    if status.get("error"):
        return " ".join(str(status["error"]).split())
    if state == "running":
        return f"last sign of life {status.get('updated', 'unknown')}"
    return "no reason was recorded" if status else "its status.json is empty or damaged"


def _seconds(status: Mapping[str, Any]) -> float | None:
    if _is_number(status.get("seconds")):
        return float(status["seconds"])
    try:
        started, ended = (datetime.fromisoformat(status[key]) for key in ("started", "updated"))
        return (ended - started).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None


def tagged(runs: Sequence[SavedRun], tags: Sequence[str]) -> list[SavedRun]:
    """Return the runs that have all of these tags. Raises InputError if there is none."""
    found = [run for run in runs if set(tags) <= set(run.tags)]
    if not found:
        known = sorted({tag for run in runs for tag in run.tags})
        has = f"the runs have {', '.join(known)}" if known else "no run has any"
        raise InputError(f"no run has the tags {', '.join(tags)}: {has}")
    return found
