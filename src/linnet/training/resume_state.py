"""State needed to resume an interrupted run, and the record that a new run writes for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.system.errors import InputError
from linnet.system.files import write_json
from linnet.tracking.checkpoint import restore
from linnet.tracking.logger import rewind
from linnet.tracking.manifest import environment_differences, manifest, write_changes
from linnet.training.continuation import Continuation


@dataclass(frozen=True)
class ResumeState:
    """What an interrupted run has left to go on with.

    manifest: as it was written at the beginning.
    checkpoint: None if there was none yet.
    continuation: what changes for a run that is to have more epochs.
    """

    manifest: dict[str, Any]
    checkpoint: dict[str, Any] | None
    continuation: Continuation | None = None


def write_record(
    config: Mapping[str, Any],
    choices: Mapping[str, Any],
    data: Data,
    path: Path,
    resume_state: ResumeState | None,
    like: tuple[Path, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Write and return the manifest: of a run that goes on the one it began with, and where it went on.

    That of a run that is continued with more epochs is returned only, see `Continuation.write`.

    Args:
        config, choices, data, path: of the run.
        resume_state: what it goes on with, if it does.
        like: directory and manifest of a job that was prepared in this process just before, on the same data.

    Raises:
        InputError: the data is not what it was.
    """
    record = manifest(config, choices, data.source.checksum, None if like is None else like[1])
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
    write_json(path / "manifest.json", record)
    return record


def restore_training(
    checkpoint: Mapping[str, Any], path: Path, model: LinearNetwork, callbacks: Sequence[pl.Callback]
) -> None:
    """Put model, callbacks and log files where they were when the checkpoint was written.

    Raises:
        InputError: the checkpoint is of another run; nothing has been touched then.
    """
    try:
        restore(checkpoint, model, callbacks)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path / 'checkpoints'}: the checkpoint is not of this run's configuration: {reason}"
        ) from error
    rewind(path, checkpoint["linnet"]["position"])


def is_trained(checkpoint: Mapping[str, Any], steps: int) -> bool:
    """Whether training had ended, after so many steps or by early stopping."""
    saved = checkpoint["linnet"]
    return bool(saved["stopped"] or saved["steps_done"] >= steps)
