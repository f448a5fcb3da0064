"""Processes that do not get to their signals end with the first nevertheless."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")

STUCK = """
import os, signal, sys, time
from contextlib import nullcontext
from linnet.sweeps.processes import run_in_processes

def stuck():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])  # as if inside a library
    print(os.getpid(), flush=True)
    while True:
        time.sleep(1)

run_in_processes([stuck, stuck], lambda: nullcontext(lambda: None))
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_processes_that_do_not_get_to_their_signals_end_with_the_first(signum: int) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        # Under nohup SIGHUP is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    assert driver.stdout is not None
    workers = [int(driver.stdout.readline()) for _ in range(2)]
    driver.send_signal(signum)
    driver.wait(60)
    deadline = time.monotonic() + 60  # a few seconds, on a machine that has nothing else to do
    while any(Path(f"/proc/{worker}").exists() and not is_zombie(worker) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_zombie(process: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return True
