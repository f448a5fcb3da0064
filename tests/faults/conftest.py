"""What the tests of faults share with the script that kills runs."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def kill() -> ModuleType:
    """The script, as a module: it lies beside the tests, and in no package."""
    spec = importlib.util.spec_from_file_location("linnet_faults_kill", Path(__file__).with_name("kill.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def compare(kill: ModuleType) -> Callable[[Path, Path], None]:
    """Raises unless a run that was resumed ended like the other: weights, metrics, history, TensorBoard, files."""
    return kill.compare
