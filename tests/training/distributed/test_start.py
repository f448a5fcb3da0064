"""A process of a data-parallel run ends with the first one from its start on, also while it imports."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from linnet.training.distributed.worker_group import WORKER


def test_ends_with_the_first_while_it_imports(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(600)\n")
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    first = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    command = [sys.executable, "-c", WORKER, str(first.pid)]
    worker = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": paths}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert worker.stdout is not None and worker.stdout.readline() == b"importing\n"
        first.kill()
        first.wait()
        assert worker.wait(60) == -signal.SIGTERM
    finally:
        worker.kill()
