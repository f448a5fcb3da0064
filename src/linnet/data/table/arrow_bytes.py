"""Read an untrusted Arrow file, whose table may not be larger than its bytes."""

from struct import error as OutOfRange, unpack_from

import pyarrow as pa

MAGIC = b"ARROW1\0\0"
COMPRESSION = {"record batch": (3,), "dictionary": (1, 3)}
"""Type of a message -> the fields from its header to the codec of its body (Apache Arrow, Message.fbs)."""
HEADER = 2
"""The field of a message that is the header of its type."""


def read_uncompressed(content: bytes) -> pa.Table:
    """Return the table of an Arrow file whose columns are neither compressed nor shorter than their rows.

    A file of kilobytes may else unpack to gigabytes, which pyarrow has no limit for. Its messages are read one after
    the other, as they were written, and not from the places that the end of the file names.

    Raises:
        ValueError: it is none.
        pa.ArrowException: it is damaged.
    """
    if not content.startswith(MAGIC):
        raise ValueError("it is no Arrow file")
    messages = pa.py_buffer(content).slice(len(MAGIC))
    for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(messages)):
        if _is_compressed(message.type, message.metadata.to_pybytes()):
            raise ValueError("it is compressed")
    table = pa.ipc.open_stream(pa.BufferReader(messages)).read_all()
    if table.num_rows > 8 * len(content):  # a column of nulls takes no bytes at all
        raise ValueError(f"it has {table.num_rows} rows in {len(content)} bytes")
    table.validate(full=True)
    return table


def _is_compressed(kind: str, message: bytes) -> bool:
    """Return whether the body of a message of this type is compressed."""
    try:
        (table,) = unpack_from("<I", message)
        for field in (HEADER, *COMPRESSION.get(kind, ())):
            place = _field(message, table, field)
            if place is None:
                return False
            table = place + unpack_from("<I", message, place)[0]
    except OutOfRange as error:
        raise ValueError("a message is cut short") from error
    return kind in COMPRESSION


def _field(message: bytes, table: int, number: int) -> int | None:
    """Return the place of a field of a table of FlatBuffers, whose offsets stand in front of it; None: it is absent."""
    start = table - unpack_from("<i", message, table)[0]
    entry = 4 + 2 * number
    if start < 0 or entry >= unpack_from("<H", message, start)[0]:
        return None
    (offset,) = unpack_from("<H", message, start + entry)
    return table + offset if offset else None
