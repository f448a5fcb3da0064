"""Write the manifest of a run that starts, or that goes on after an interruption."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linnet.data import Data
from linnet.system.errors import InputError
from linnet.tracking.manifest import environment_differences, manifest, write_changes
from linnet.tracking.manifest_file import write_manifest
from linnet.training.context import RunRequest


def write_record(request: RunRequest, data: Data, like: tuple[Path, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Write and return the manifest; a resumed run keeps the one it began with, and adds where it went on.

    That of a run that is continued with more epochs is returned only, see `Continuation.write`.

    Args:
        request, data: of the run.
        like: directory and manifest of a run that was set up in this process just before, on the same data.

    Raises:
        InputError: the data is not what it was.
    """
    path, resume_state = request.path, request.resume_state
    record = manifest(request.config, request.choices, data.source.checksum, None if like is None else like[1])
    if resume_state is None:
        write_changes(path, record, None if like is None else like[0])
    elif resume_state.manifest["data_checksum"] != data.source.checksum:
        raise InputError(
            f"{path}: the data is not what the run began with (checksum {data.source.checksum[:12]}, recorded "
            f"{resume_state.manifest['data_checksum'][:12]}): put it back, or start a new run"
        )
    else:
        step = resume_state.checkpoint["linnet"]["steps_done"] if resume_state.checkpoint else 0
        differing = environment_differences(resume_state.manifest, record)
        resumed = [*resume_state.manifest.get("resumed", []), {"step": step, "differs": differing}]
        record = {**resume_state.manifest, "resumed": resumed}
        if resume_state.continuation is not None:  # written once nothing can be refused any more
            return resume_state.continuation.record(record)
    write_manifest(path, record)
    return record
