"""Differences between the recorded environment and this one: versions, machine, threads, data and code."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linnet.system.sanitize import leaf, plain

if TYPE_CHECKING:
    from linnet.reproduction.saved_files import SavedFiles

LABELS = {
    "git.commit": "commit", "git.dirty": "uncommitted changes", "changes": "uncommitted.diff",
    "data_checksum": "data checksum", "cpu_capability": "CPU capability", "cpu": "CPU",
    "manifest": "manifest", "resumed": "resumed", "side_by_side": "trained",
}  # fmt: skip
CODE = frozenset({"linnet", "format", "git.commit", "git.dirty", "changes", "manifest"})
"""Differences that may have changed which figures there are."""
EXPERIMENT_KEYS = ("linnet", "threads", "cpu_capability", "cpu", "python", "packages")
"""What results.json tells of the environment in which it was recorded."""

Differences = dict[str, list[Any]]


def run_differences(recorded: "SavedFiles", here: "SavedFiles") -> Differences:
    """Return key -> [recorded, here] of what differs, and of what keeps two runs from being bit-identical."""
    from linnet.reproduction.saved_files import CHANGES  # late, since it imports torch
    from linnet.tracking.manifest import environment_differences

    if recorded.manifest is None:
        return {"manifest": [None, "the environment of the run is not known"]}
    assert here.manifest is not None
    differences = environment_differences(recorded.manifest, here.manifest)
    digests = [recorded.digest(CHANGES), here.digest(CHANGES)]
    if digests[0] != digests[1]:
        differences["changes"] = digests
    together = recorded.manifest.get("side_by_side")
    if isinstance(together, list) and len(together) > 1:
        differences["side_by_side"] = [f"with {len(together) - 1} other models", "alone"]
    for entry in _mappings(recorded.manifest.get("resumed")):
        for key, pair in (entry["differs"] if isinstance(entry.get("differs"), Mapping) else {}).items():
            words = [plain(value) for value in pair] if isinstance(pair, list) else [plain(pair)]
            differences["resumed"] = [f"in another environment ({label(key)}: {', then '.join(words)})", "in one go"]
    return {key: [leaf(value) for value in pair] for key, pair in differences.items()}


def experiment_differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> Differences:
    """Return key -> [recorded, here] of what differs from results.json to a manifest; empty if nothing is recorded."""
    from linnet.tracking.manifest import environment_differences  # late, since it imports torch

    kept = [key for key in EXPERIMENT_KEYS if key in recorded]
    parts = {key: recorded[key] for key in kept if key != "packages" or isinstance(recorded[key], Mapping)}
    differences = environment_differences(parts, {key: here.get(key) for key in parts})
    return {key: [leaf(value) for value in pair] for key, pair in differences.items()}


def label(key: str) -> str:
    return LABELS.get(key, plain(key))


def lines(differences: Differences) -> list[str]:
    """Return lines such as `threads: 2 recorded, 1 here`, one per difference."""
    return [f"{label(key)}: {_show(pair[0])} recorded, {_show(pair[1])} here" for key, pair in differences.items()]


def hint(run: str, differences: Differences) -> str | None:
    """Return a line that names the option for the recorded number of threads, or None if that does not differ."""
    wanted = differences.get("threads", [None])[0]
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
        return None
    return f"`linnet reproduce {plain(run, 200)} --threads {wanted}` asks for as many threads as were recorded"


def _show(value: Any) -> str:
    return "none" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else plain(value)


def _mappings(node: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in node if isinstance(entry, Mapping)] if isinstance(node, list) else []
