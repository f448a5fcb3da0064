"""Read the file in which wandb keeps a run that is offline: its records, in the framing of LevelDB's logs."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK, HEADER = 32768, struct.Struct("<IHB")  # checksum, length, kind: 1 whole, 2 first, 3 middle, 4 last part


def records(file: Path) -> Iterator[Any]:
    """Yield wandb's own messages; its package has the format of each, and no longer a reader of the file."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, parts = file.read_bytes(), 7, b""
    while at + HEADER.size <= len(content):
        rest = BLOCK - at % BLOCK
        if rest < HEADER.size:
            at += rest
            continue
        _, length, kind = HEADER.unpack_from(content, at)
        at += HEADER.size
        parts += content[at : at + length]
        at += length
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def history(file: Path) -> list[dict[str, Any]]:
    """Return what was logged, step by step, without wandb's own entries but `_step`."""
    rows = [record.history for record in records(file) if record.WhichOneof("record_type") == "history"]
    values = [{"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in row.item} for row in rows]
    return [{key: value for key, value in row.items() if key == "_step" or key[0] != "_"} for row in values]


def run_of(file: Path) -> Any:
    """Return wandb's message about the run: its id, name, configuration, tags."""
    return next(record.run for record in records(file) if record.WhichOneof("record_type") == "run")
