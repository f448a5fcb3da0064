"""The short version of `python tests/faults/kill.py`: each way to be killed, a few times."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIOS = "adam,nesterov,early"
KILLS = 8


@pytest.mark.long
def test_killed_runs_end_like_uninterrupted_ones(tmp_path: Path) -> None:
    # A process of its own: it forks, which is safe only where torch has not used its threads yet.
    script = Path(__file__).with_name("kill.py")
    options = ["--kills", f"{KILLS}", "--processes", "0", "--only", SCENARIOS, "--folder", f"{tmp_path / 'runs'}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    runs, identical, kills = map(int, re.search(r"^all +(\d+) +(\d+) +(\d+) ", ended.stdout, re.MULTILINE).groups())
    assert runs == identical > 0
    assert kills == KILLS
