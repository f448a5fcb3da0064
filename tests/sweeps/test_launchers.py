"""Workers of launchers end with the sweep, and an absent launcher is named; tests/test_readme.py trains by each."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linnet.cli import main as cli
from linnet.system.parent import end_with

GRID = ["trainer.max_epochs=1", "optimizer.lr=0.1,1", "seed=0,1"]


DRIVER = """
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "import os, time; from linnet.system.parent import end_with; "
                           "end_with(os.getppid()); print(1, flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
worker.stdout.readline()
print(worker.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="it looks into /proc")
def test_a_worker_ends_with_the_process_that_started_it() -> None:
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    worker = Path(f"/proc/{int(driver.stdout.readline())}/stat")
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 60  # a second, on a machine that has nothing else to do
    while worker.exists() and worker.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_workers_of_joblib_watch_the_sweep_before_their_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher

    given: dict[str, object] = {}

    def launch(self: JoblibLauncher, *_: object, **__: object) -> list[object]:
        given.update(self.joblib)
        return []

    monkeypatch.setattr(JoblibLauncher, "launch", launch)
    cli.run(["train", "-m", "hydra/launcher=joblib", f"hydra.sweep.dir={tmp_path}", *GRID])
    assert (given["initializer"], given["initargs"]) == (end_with, (os.getpid(),))


def test_an_absent_launcher_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance().repo["hydra"]["launcher"]
    monkeypatch.delitem(store, "joblib.yaml", raising=False)
    monkeypatch.setattr("hydra.core.plugins.Plugins._initialize", lambda self: None)
    assert cli.run(["train", "-m", "hydra/launcher=joblib", f"hydra.sweep.dir={tmp_path / 's'}", *GRID]) == 2
    assert "pip install hydra-joblib-launcher\n" in capsys.readouterr().err
