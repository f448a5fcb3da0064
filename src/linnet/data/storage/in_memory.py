"""Reading arrays of files into memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch

from linnet.data.standardizer import Normalisation
from linnet.data.storage.array_file import File
from linnet.data.storage.array_pairs import ArrayPairs
from linnet.data.storage.examples import Examples
from linnet.data.storage.stored_examples import Float16Examples
from linnet.system import threads

BUFFER = 32 * 2**20
"""Bytes of examples in memory where not all are: this leaves room for torch and Lightning in a process of 1 GB."""
THREADS = 8
"""Parts of files that are read at a time: one thread copies what the system has in memory at 3 GB per second."""


def are_halves(pairs: ArrayPairs) -> bool:
    """Return whether the features are in float16, and kept so."""
    return pairs.weights is None and all(
        file.dtype.kind == "f" and file.dtype.itemsize == 2 for file in pairs.features.files
    )


def bytes_in_memory(pairs: ArrayPairs) -> int:
    """Return the bytes that the examples take, once read."""
    per_number = torch.float16.itemsize if are_halves(pairs) else pairs.dtype_as_read.itemsize
    return len(pairs) * (pairs.features.width * per_number + pairs.bytes_per_target)


def read_in_memory(pairs: ArrayPairs) -> Examples:
    """Read all examples, several parts at a time. Raises InputError as `ArrayPairs.read` does."""
    halves = are_halves(pairs)
    as_kept = replace(pairs, dtype=torch.float16, normalisation=Normalisation()) if halves else pairs
    kept = torch.float16 if halves else pairs.dtype_as_read
    x, y = as_kept.empty(len(pairs), dtype=kept)[0], pairs.empty_targets(len(pairs), dtype=torch.float64)
    # Pages of the files, and what the checks compute, take memory for some parts at a time.
    at_once = len(pairs) if compressed(pairs) else max(1, BUFFER // pairs.bytes_per_row)

    def read(start: int) -> None:
        as_kept.read(start, x[start : start + at_once], y[start : start + at_once])

    starts = range(0, len(pairs), at_once)
    if len(starts) == 1:
        read(0)
    else:
        with ThreadPoolExecutor(min(THREADS, threads.available())) as readers:
            list(readers.map(read, starts))  # the first error is that of the first part that has one
    return Float16Examples(x, y, pairs.dtype, pairs.normalisation) if halves else Examples(x, y, pairs.weights)


def compressed(pairs: ArrayPairs) -> list[File]:
    """Return the files that can be read as a whole only."""
    return [file for some in (pairs.features, pairs.targets) for file in some.files if file.offset is None]
