"""What the tests of faults share with the script that kills runs."""

from collections.abc import Callable
from pathlib import Path

import killed_run
import pytest


@pytest.fixture(scope="session")
def compare() -> Callable[[Path, Path], None]:
    """Raises unless a run that was resumed ended like the other: weights, metrics, history, TensorBoard, files."""
    return killed_run.compare
