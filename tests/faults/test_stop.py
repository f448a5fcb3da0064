"""The short version of `tests/faults/stop.py`: some signals at random, 60 by hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIOS = (
    "train;train, 2 threads;train, 2 processes;resume;resume, 2 threads;basic;basic, 2 threads;vectorized, 1 process;"
    "vectorized, 1 process, 2 threads;vectorized, 2 processes;vectorized, 2 processes, 2 threads"
)
"""All of linnet's own. Processes of joblib and submitit import for seconds before they can end; by hand only."""
STOPS = 11


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_stopped_runs_and_sweeps_leave_nothing_and_go_on(tmp_path: Path) -> None:
    # A process of its own: it forks, which is safe only where torch has not used its threads yet.
    script = Path(__file__).with_name("stop.py")
    words = ["--stops", f"{STOPS}", "--seed", "1", "--only", SCENARIOS, "--folder", tmp_path / "runs"]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    ended = subprocess.run([sys.executable, script, *words], capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{STOPS} stops equal, 0 failed" in ended.stdout
