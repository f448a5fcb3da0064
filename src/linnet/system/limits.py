"""Limits on what a number or a small file may make the process take of the machine."""

import gzip
import io

MOST_THREADS = 1024
"""More than any run needs. Torch would try to start 10⁹ if asked to."""
UNPACKED = 2 * 2**30
"""Bytes that a file compressed by gzip may unpack to in memory."""


def gunzip(content: bytes, limit: int = UNPACKED) -> bytes:
    """Return the content of a gzip file.

    Raises:
        ValueError: it unpacks to more than the limit.
        OSError, EOFError, zlib.error: it is damaged.
    """
    parts, size = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        while part := file.read(2**24):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise ValueError(f"it unpacks to more than {limit >> 20} MiB")
    return b"".join(parts)
