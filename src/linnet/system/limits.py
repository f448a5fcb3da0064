"""Limits on what a number or a small file may make the process take of the machine."""

import gzip
import io
import os
from typing import IO

MOST_THREADS = 1024
"""More than any run needs. Torch would try to start 10⁹ if asked to."""
UNPACKED = 2 * 2**30
"""Bytes that a file compressed by gzip may unpack to in memory."""


PADDING = 65_536


def refuse_padding(file: IO[bytes]) -> None:
    """Raise OSError for a gzip file that ends in 64 KiB of zeros, as one whose download was cut short may.

    Python would read the zeros after the compressed part one by one. A file that has no end yet, a pipe, is not looked
    at.
    """
    if not file.seekable():
        return
    place, size = file.tell(), file.seek(0, os.SEEK_END)
    file.seek(max(0, size - PADDING))
    end = file.read(PADDING)
    file.seek(place)
    if len(end) == PADDING and not any(end):
        raise OSError("it ends in zeros")


def gunzip(content: bytes, limit: int = UNPACKED) -> bytes:
    """Return the content of a gzip file.

    Raises:
        ValueError: it unpacks to more than the limit.
        OSError, EOFError, zlib.error: it is damaged.
    """
    parts, size = [], 0
    refuse_padding(io.BytesIO(content))
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        while part := file.read(2**24):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise ValueError(f"it unpacks to more than {limit >> 20} MiB")
    return b"".join(parts)
