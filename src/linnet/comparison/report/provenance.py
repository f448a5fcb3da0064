"""Where runs come from, and the commands that train and reproduce them."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linnet.comparison.report.blocks import Block, Commands, Table, Text
from linnet.comparison.runs import SavedRun
from linnet.system.reading import read_json
from linnet.system.sanitize import plain, shown
from linnet.tracking.manifest_file import MANIFEST

OVERRIDE = re.compile(r"[+~]{0,2}[\w./@:-]+=?")
"""How an override begins. The command shown is made of overrides only: nobody's manifest puts another one there."""


def manifest_of(run: Path) -> Mapping[str, Any]:
    """Return the content of a run's manifest, which may be anybody's; empty if it cannot be read."""
    try:
        content = read_json(run / MANIFEST)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def origin(manifests: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return code, data, machine and versions of runs as a table; a cell lists what differs between them."""
    packages = dict.fromkeys(name for manifest in manifests for name in _mapping(manifest.get("packages")))
    rows: dict[str, list[Any]] = {
        "linnet": [manifest.get("linnet") for manifest in manifests],
        "commit": [_commit(manifest.get("git")) for manifest in manifests],
        "seed": [manifest.get("seed") for manifest in manifests],
        "data (sha256)": [manifest.get("data_checksum") for manifest in manifests],
        "processor": [_processor(manifest) for manifest in manifests],
        "threads": [manifest.get("threads") for manifest in manifests],
        "Python": [manifest.get("python") for manifest in manifests],
        "platform": [manifest.get("platform") for manifest in manifests],
        **{plain(name): [_mapping(manifest.get("packages")).get(name) for manifest in manifests] for name in packages},
        "weights (sha256)": [manifest.get("weights_sha256") for manifest in manifests] if len(manifests) == 1 else [],
    }
    cells = [[name, _cell(values)] for name, values in rows.items() if any(value is not None for value in values)]
    if not cells:
        return [Text("No manifest says where this comes from.", "note")]
    return [Table(["", "recorded"], cells, texts=(0, 1))]


def commands(run: SavedRun) -> Commands:
    """Return what trains a run again, reproduces it and evaluates it."""
    place = shlex.quote(str(shown(run.path)))
    lines = [(f"linnet train {_words(run.overrides)}".rstrip(), "train with these options")]
    if run.state == "completed":
        lines += [
            (f"linnet reproduce {place}", "run again, and compare every number"),
            (f"linnet evaluate {place}", "evaluate the saved weights"),
        ]
    elif run.state in ("interrupted", "running", "failed"):
        lines.append((f"linnet resume {place}", "go on"))
    return Commands(lines)


def sweep_command(runs: Sequence[SavedRun], varying: Sequence[str]) -> str | None:
    """Return the command of the grid that these runs are; None if they are no whole grid of plain values."""
    keys = list(dict.fromkeys(key for run in runs for key in run.overrides))
    values = {key: list(dict.fromkeys(run.overrides.get(key) for run in runs)) for key in keys}
    swept = [key for key in keys if len(values[key]) > 1]
    size = 1
    for key in swept:
        size *= len(values[key])
    whole = len({tuple(run.overrides.get(key) for key in swept) for run in runs}) == size == len(runs) > 1
    texts = [text for key in swept for text in values[key]]
    plain_values = all(text is not None and re.fullmatch(r"[\w.+-]+", text) for text in texts)
    if not whole or not plain_values or not set(varying) <= {*swept}:
        return None
    joined = {key: ",".join(text for text in values[key] if text is not None) for key in keys}
    return f"linnet train -m {_words(joined)}"


def _words(overrides: Mapping[str, str]) -> str:
    texts = (f"{key}={value}" for key, value in overrides.items())
    return " ".join(shlex.quote(text) for text in texts if OVERRIDE.match(text))


def _cell(values: Sequence[Any]) -> str:
    texts = list(dict.fromkeys("unknown" if value is None else plain(value) for value in values))
    more = f" and {len(texts) - 4} more" if len(texts) > 4 else ""
    return f"{'; '.join(texts[:4])}{more}"


def _commit(git: Any) -> str | None:
    commit = _mapping(git).get("commit")
    return None if commit is None else plain(commit) + (", with uncommitted changes" if git.get("dirty") else "")


def _processor(manifest: Mapping[str, Any]) -> str | None:
    named = [plain(manifest[key]) for key in ("cpu", "cpu_capability") if manifest.get(key) is not None]
    return ", ".join(named) or None


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}
