"""Handle output streams that cannot encode a character, or whose reader has gone."""

import os
import sys
from contextlib import suppress
from typing import TextIO

BROKEN_PIPE = 141
"""128 + SIGPIPE, the exit code of a command whose output is not read to its end, as in `… --csv - | head`."""

UNWRITTEN: list[OSError] = []
"""Why standard output could not be written to, as on a full disk; what a command had to do, it did nevertheless."""


def reopen_closed() -> None:
    """Open the null device for standard streams that were closed, as by `>&-`: a file would take their numbers.

    It is opened the wrong way round, so that reading or writing fails as it does for a closed stream.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDONLY if number else os.O_WRONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def replace_unprintable() -> None:
    """Print "?" for a character that the encoding of stdout or stderr lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.errors in ("strict", "surrogateescape"):
            reconfigure(errors="replace")


def discard(stream: TextIO) -> None:
    """Redirect a stream that cannot be written to to the null device; otherwise Python reports an error at exit."""
    with suppress(OSError):  # a stream without a number, as in a notebook
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
