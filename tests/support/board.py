"""`linnet board` as a process, and pictures of what it shows."""

import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Mask = NDArray[np.bool_]
SECONDS = 60  # given to a busy machine; everything here takes a few


@contextmanager
def board(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`linnet board` as a process that is gone afterwards, whatever happens."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("linnet"), "board", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever starts the tests in the background may have Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """What the line it prints once it listens says, as a user would read it."""
    assert process.stdout
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    words = [word for word in line.split() if word.startswith("http://")]
    assert words, f"linnet board said: {line}{process.stdout.read()}"
    return words[0]


def settled(element: "Locator") -> bytes:
    """A picture of an element that is drawn bit by bit, once there is colour in it and it has stopped changing."""
    deadline, before = time.monotonic() + SECONDS, b""
    while time.monotonic() < deadline:
        picture = element.screenshot()
        if picture == before and coloured(picture).any():
            return picture
        before = picture
    raise AssertionError(f"nothing was drawn within {SECONDS} s")


def assert_falling(chart: bytes) -> None:
    """A curve spans width and height of its chart, and its colour is higher up on the left than on the right."""
    rows, columns = np.nonzero(coloured(chart))
    height, width = coloured(chart).shape
    assert np.ptp(columns) > 0.4 * width
    assert np.ptp(rows) > 0.4 * height
    assert rows[columns == columns.min()].mean() < rows[columns == columns.max()].mean()


def coloured(picture: bytes) -> Mask:
    """Where a picture is neither white nor the grey of a grid."""
    return np.ptp(pixels(picture), axis=2) > 20


def dark(picture: bytes) -> Mask:
    return pixels(picture).mean(axis=2) < 200


def pixels(picture: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=np.int64)
