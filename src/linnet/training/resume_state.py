"""State needed to resume an interrupted run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from linnet.models import LinearNetwork
from linnet.system.errors import InputError
from linnet.tracking.checkpoint import restore
from linnet.tracking.logger import rewind
from linnet.training.continuation import Continuation


@dataclass(frozen=True)
class ResumeState:
    """State of an interrupted run.

    manifest: as written at the start of the run.
    checkpoint: None if there was none yet.
    continuation: what changes for a run that is to have more epochs.
    """

    manifest: dict[str, Any]
    checkpoint: dict[str, Any] | None
    continuation: Continuation | None = None


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
    """Return whether training had ended, after so many steps or by early stopping."""
    saved = checkpoint["linnet"]
    return bool(saved["stopped"] or saved["steps_done"] >= steps)
