"""Write and read manifest.json, and hold the other files of a completed run to the hashes in it.

This finds damage and accidental edits, not forgery: a person who changes a file can change its hash too.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from linnet.system.errors import InputError
from linnet.system.files import to_json, write_json
from linnet.system.reading import Unreadable, sha256
from linnet.tracking.records import Manifest, read_record

MANIFEST = "manifest.json"
CHECKSUM = "manifest_sha256"
"""Key of the manifest's own checksum, over all its other keys."""
HASHES = "files_sha256"
ACCEPT = "--accept-changed"
_ACCEPTED: ContextVar[bool] = ContextVar("changed files are accepted", default=False)


@contextmanager
def changes_accepted() -> Iterator[None]:
    """Read files of runs inside the block also if they were changed since the run ended."""
    token = _ACCEPTED.set(True)
    try:
        yield
    finally:
        _ACCEPTED.reset(token)


def write_manifest(run: Path, content: Mapping[str, Any]) -> None:
    """Write a run's manifest with a checksum of itself."""
    write_json(run / MANIFEST, {**content, CHECKSUM: _checksum(json.loads(to_json(content)))})


def read_manifest(run: Path) -> Manifest:
    """Return a run's manifest.

    Raises:
        InputError: it is missing, damaged, or not as the run wrote it. Earlier versions wrote no checksum of it.
    """
    path = run / MANIFEST
    try:
        manifest = read_record(path, Manifest)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing, which says what the run began with: {_remedy()}") from error
    except Unreadable as error:
        raise InputError(f"{error}, or go on with {ACCEPT}") from error
    if not _ACCEPTED.get() and manifest.get(CHECKSUM, _checksum(manifest)) != _checksum(manifest):
        raise InputError(f"{path} was changed since the run wrote it: {_remedy()}")
    return manifest


def check_unchanged(run: Path, names: Sequence[str]) -> None:
    """Raise InputError if the manifest, or one of these files of a completed run, is not as the run wrote it.

    A file that the manifest does not list must not be there either; manifests of earlier versions, which have no
    checksum of themselves, do not list every file.
    """
    if _ACCEPTED.get():
        return
    manifest = read_manifest(run)
    if HASHES not in manifest:
        raise InputError(f"{run / MANIFEST} is damaged: it lists no results; {_remedy()}")
    hashes = manifest["files_sha256"]
    for name in names:
        if name in hashes or (CHECKSUM in manifest and (run / name).exists()):
            changed = _difference(run / name, hashes.get(name))
            if changed:
                raise InputError(f"{run / name} {changed}: {_remedy()}")


def check_config(run: Path, found: str) -> None:
    """Raise InputError if a configuration with this hash is not the one that the run recorded in its manifest."""
    if not _ACCEPTED.get() and read_manifest(run).get("config_sha256") != found:
        raise InputError(f"{run / '.hydra' / 'config.yaml'} was changed since the run wrote it: {_remedy()}")


def is_unchanged(run: Path, name: str, manifest: Mapping[str, Any]) -> bool:
    """Return whether a file, and this manifest, are as the run wrote them, as far as the manifest says."""
    if _ACCEPTED.get():
        return True
    hashes = manifest.get(HASHES)
    if not {"config", "config_sha256"} & manifest.keys():  # it is no manifest
        return False
    if manifest.get(CHECKSUM) not in (None, _checksum(manifest)):
        return False
    return not isinstance(hashes, Mapping) or not _difference(run / name, hashes.get(name))


def _difference(path: Path, recorded: Any) -> str:
    if recorded is None:
        return "is not listed in manifest.json, so the run did not write it"
    if not path.exists():
        return "is missing"
    return "" if sha256(path) == recorded else "was changed since the run wrote it (manifest.json has another sha256)"


def _checksum(content: Mapping[str, Any]) -> str:
    own = {key: value for key, value in content.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def _remedy() -> str:
    return f"restore it, or go on with {ACCEPT}"
