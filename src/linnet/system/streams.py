"""Handle output streams that cannot encode a character, or whose reader has gone."""

import os
import sys
from typing import TextIO

BROKEN_PIPE = 141
"""128 + SIGPIPE, the exit code of a command whose output is not read to its end, as in `… --csv - | head`."""


def replace_unprintable() -> None:
    """Print "?" for a character that the encoding of stdout or stderr lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.errors in ("strict", "surrogateescape"):
            reconfigure(errors="replace")


def discard(stream: TextIO) -> None:
    """Redirect a stream whose reader has gone to the null device; otherwise Python reports an error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
