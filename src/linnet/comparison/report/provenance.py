"""Where runs come from: code, data, machine and versions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linnet.comparison.report.blocks import Block, Table, Text
from linnet.system.reading import read_json
from linnet.system.sanitize import plain
from linnet.tracking.manifest_file import MANIFEST


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
