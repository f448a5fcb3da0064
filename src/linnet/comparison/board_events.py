"""What a run's own events lack: a row on TensorBoard's page HPARAMS if it did not complete, figures drawn after it."""

import io
from typing import Any

from linnet.comparison.groups import is_number, show
from linnet.comparison.runs import SavedRun
from linnet.system.reading import read_bytes
from linnet.tracking.tags import DRAWN, FIGURES, image_of, row_of

ADDED = "events.out.tfevents.9999999999.linnet-board"
"""Sorts after a run's own files, as it may come after them."""
ENDED = ("failed", "diverged", "interrupted")
PNG = b"\x89PNG\r\n\x1a\n"
LARGEST = 8 * 2**20
"""Bytes of a picture."""


def addition(run: SavedRun) -> bytes | None:
    """Return the content of an event file of what a run's own lack; None: nothing."""
    # Late, because a command that only lists runs needs no TensorBoard.
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    events = [*(_row(run) if run.state in ENDED else []), *_pictures(run)]
    if not events:
        return None
    content = io.BytesIO()
    writer = RecordWriter(content)
    for event in (Event(file_version="brain.Event:2"), *events):
        writer.write(event.SerializeToString())
    return content.getvalue()


def _row(run: SavedRun) -> list[Any]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

    start = SessionStartInfo(model_uri=_text(str(run.path)))
    for key, value in _columns(run).items():
        if is_number(value):
            start.hparams[_text(key)].number_value = value
        elif value is not None:
            start.hparams[_text(key)].string_value = _text(show(value))
    parts = {
        metadata.SESSION_START_INFO_TAG: HParamsPluginData(session_start_info=start),
        metadata.SESSION_END_INFO_TAG: HParamsPluginData(
            session_end_info=SessionEndInfo(status=api_pb2.STATUS_FAILURE)
        ),
    }
    values = [
        Summary.Value(tag=tag, metadata=metadata.create_summary_metadata(part), tensor=metadata.NULL_TENSOR)
        for tag, part in parts.items()
    ]
    return [Event(summary=Summary(value=values))]


def _columns(run: SavedRun) -> dict[str, Any]:
    """Return the hyperparameters of a run; of one that ended before they were written, what it was given."""
    from linnet.training.hyperparameters import hyperparameters  # late, as it imports Hydra

    try:
        return row_of(hyperparameters(run.choices, run.config), {})
    except (KeyError, TypeError, ValueError, AttributeError):
        return {key: run.value(key) for key in run.settings}


def _pictures(run: SavedRun) -> list[Any]:
    """Return the figures in the folder of a run that drew none itself."""
    from tensorboard.compat.proto.event_pb2 import Event

    if run.config.get("figures") is not False:
        return []
    found = []
    for name in DRAWN:
        file = run.path / "figures" / f"{name}.png"
        try:
            picture, drawn = read_bytes(file, run.path, LARGEST), file.stat().st_mtime
        except (OSError, ValueError):  # most runs have none
            continue
        if picture.startswith(PNG) and len(picture) >= 24:
            found.append(Event(wall_time=drawn, summary={"value": [image_of(f"{FIGURES}{name}", picture)]}))
    return found


def _text(text: str) -> str:
    """Return text as UTF-8 can hold it: names of files may be other bytes."""
    return text.encode(errors="replace").decode()
