"""The short version of `python tests/fuzz/fuzz.py`: every kind of file with every command, once or twice.

pytest tests/fuzz -s --mutations 20000 --fuzz-seed 1      by hand
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def test_changed_files_are_refused_noticed_or_without_effect(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    # A process of its own: it forks, which is safe only where torch has not used its threads yet.
    mutations, seed = request.config.getoption("--mutations"), request.config.getoption("--fuzz-seed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(FOLDER.parent / "support")}
    words = [sys.executable, FOLDER / "fuzz.py", "--mutations", str(mutations), "--seed", str(seed)]
    ended = subprocess.run([*words, "--folder", tmp_path / "runs"], stdout=subprocess.PIPE, text=True, env=environment)
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout
    assert f"{mutations} mutations, seed {seed}, 0 faults" in ended.stdout
