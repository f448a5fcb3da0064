"""The JSON files of a run directory that say how a run began and ended, with the types of what they hold."""

from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, cast, get_type_hints

from linnet.config.option_types import Threads, accepts, describe
from linnet.system.reading import Unreadable, read_json
from linnet.system.sanitize import plain

State = Literal["running", "completed", "failed", "diverged", "interrupted"]


class Status(TypedDict, total=False):
    """status.json: how far a run is, or how it ended."""

    state: State
    started: str
    updated: str
    ended: str
    seconds: float
    epoch: int | None
    step: int | None
    kept_epoch: int | None
    diverged_resamples: list[int]
    host: str
    pid: int


class Manifest(TypedDict, total=False):
    """manifest.json: what a run began with, and the hashes of its results. See `linnet.tracking.manifest`."""

    linnet: str
    format: int
    config_sha256: str
    config: dict[str, Any]
    choices: dict[str, Any]
    seed: int
    data_checksum: str
    threads: Threads
    git: dict[str, Any] | None
    packages: dict[str, Any]
    own_parts: dict[str, dict[str, Any]]
    continued: list[Any]
    weights_sha256: str
    files_sha256: dict[str, str]
    manifest_sha256: str


Record = TypeVar("Record", Status, Manifest)


def read_record(path: Path, kind: type[Record]) -> Record:
    """Return the content of a JSON file whose keys, as far as they are declared, have their types.

    Raises:
        OSError: it is not there.
        Unreadable: it is damaged; says which key, and what is expected.
    """
    try:
        content = read_json(path)
    except Unreadable:
        raise
    except ValueError as error:
        raise Unreadable(f"{path} is damaged: {error}; restore it") from error
    if not isinstance(content, dict):
        raise Unreadable(f"{path} is damaged: it holds no keys; restore it")
    for key, annotation in get_type_hints(kind, include_extras=True).items():
        if key in content and not accepts(annotation, content[key]):
            said = f"{key} is {plain(content[key])}, expected {describe(annotation)}"
            raise Unreadable(f"{path}: {said}; restore it")
    return cast(Record, content)
