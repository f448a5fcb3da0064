"""Run parts of a sweep in processes of their own."""

import gc
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

import torch

from linnet.system.errors import Interrupted
from linnet.system.interrupts import Interrupts
from linnet.system.threads import VARIABLE

WATCH_SECONDS = 1.0
GRACE_SECONDS = 4.0
"""From being asked to stop until a process that has not ended is killed."""

Part = Callable[[], None]


def run_in_processes(
    parts: Sequence[Part], watching: Callable[[], AbstractContextManager[Callable[[], None]]]
) -> list[int]:
    """Run each part in a process of its own, with one thread, until all have ended.

    They are forked: what this process has imported and read is there at once, and takes no memory a second time. A fork
    takes none of OpenMP's threads along and would wait for them forever, hence one thread each.

    Args:
        parts: what to do in each. They end by themselves if this process does.
        watching: gives what is called here every now and then, and at the end. Entered when all have been started.

    Returns:
        Exit codes; −N of a process that was killed by signal N.

    Raises:
        Interrupted: this process was asked to stop. The others were asked then, and have ended.
    """
    context = multiprocessing.get_context("fork")
    reading, writing = context.Pipe(duplex=False)
    processes: list[ForkProcess] = []
    with Interrupts():
        try:
            for part in parts:
                process = context.Process(target=_run, args=(part, reading, writing), daemon=True)
                sys.stdout.flush()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # of the threads that a fork leaves behind
                    process.start()
                processes.append(process)
            with watching() as watch:
                stopped = _await(processes, watch)
                watch()
        finally:
            writing.close()
            for process in processes:
                process.join()
            reading.close()
        if stopped is not None:
            raise stopped
    return [process.exitcode or 0 for process in processes]


def _await(processes: Sequence[ForkProcess], watch: Callable[[], None]) -> Interrupted | None:
    """Wait until all have ended, and forward signals to them in the meantime."""
    stopped, until = None, math.inf
    while running := [process for process in processes if process.is_alive()]:
        try:
            wait([process.sentinel for process in running], WATCH_SECONDS)
            watch()
        except Interrupted as request:
            stopped, until = request, time.monotonic() + GRACE_SECONDS
            for process in running:
                os.kill(process.ident or 0, request.signum)
        if time.monotonic() > until:  # it waits for something that does not come
            for process in running:
                process.kill()
    return stopped


def _run(part: Part, reading: Connection, writing: Connection) -> None:
    try:
        os.setsid()  # where Ctrl-C does not reach it: the first process decides what a signal means
        writing.close()
        threading.Thread(target=_end_with_the_first, args=(reading,), daemon=True).start()
        os.environ[VARIABLE] = "1"
        torch.set_num_threads(1)
        gc.freeze()  # to look for garbage among what came along would copy it
        part()
    except Interrupted as request:
        sys.exit(request.exit_code)


def _end_with_the_first(reading: Connection) -> None:
    reading.poll(None)  # until the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(128 + signal.SIGTERM)  # the main thread does not get to its signals
