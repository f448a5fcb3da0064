"""What data is recognised by: SHA-256 of its bytes, of large data that of the hashes of its pieces."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from linnet.data.storage.examples import Examples
from linnet.system import threads

LARGE = 2**28
"""Bytes from which on pieces are hashed side by side: a processor hashes some 1.2 GB per second on one core."""
PIECE = 2**24
"""Bytes of a piece."""
IN_PIECES = "sha256-16MiB:"
"""What the checksum of large data begins with: SHA-256 of the number of bytes of each array, as decimal numbers with a
space after each, followed by the SHA-256 of each piece of 16 MiB of each array, in their order."""


def checksum(*splits: Examples | None) -> str:
    """Return the checksum of all examples: `serial_checksum`, of large data the one described at `IN_PIECES`."""
    arrays = list(_arrays(splits))
    if sum(len(array) for array in arrays) < LARGE:
        return _serial(arrays)
    pieces = [array[start : start + PIECE] for array in arrays for start in range(0, len(array), PIECE)]
    digest = hashlib.sha256("".join(f"{len(array)} " for array in arrays).encode())
    with ThreadPoolExecutor(threads.available()) as workers:  # hashing lets other threads run
        for found in workers.map(lambda piece: hashlib.sha256(piece).digest(), pieces):
            digest.update(found)
    return IN_PIECES + digest.hexdigest()


def serial_checksum(*splits: Examples | None) -> str:
    """Return the SHA-256 of the bytes of all examples, hexadecimal, however large they are."""
    return _serial(list(_arrays(splits)))


def _serial(arrays: list[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array)
    return digest.hexdigest()


def _arrays(splits: tuple[Examples | None, ...]) -> Iterator[Any]:
    """Yield the bytes of features and targets of each split."""
    for split in splits:
        for tensor in () if split is None else (split.x, split.y):
            yield tensor.cpu().contiguous().numpy().reshape(-1).view("u1").data
