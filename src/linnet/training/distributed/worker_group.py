"""Worker processes of a data-parallel run: start them, wait for them, end them with the run."""

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import torch
import torch.distributed as dist

from linnet.system.errors import InputError, ProcessLost

READY = b"ready\n"
WORKER = """
import sys
from linnet.system.parent import end_with

end_with(int(sys.argv[1]))  # before the imports of a worker, which take seconds
from linnet.training.worker import main

main()
"""
"""What another process runs; its argument is the process that it ends with."""
REAPED = 5.0
"""Seconds that the system may take to tell of the end of a process whose connection is broken."""


@dataclass(frozen=True)
class WorkerTask:
    """What a worker process needs to train in step with the others.

    config: checked, and resolved to plain containers.
    per_chunk: minibatches in a Lightning batch.
    checkpoint: to go on from, if any.
    parameters: that training begins with, if not those that the configuration draws.
    """

    config: Mapping[str, Any]
    per_chunk: int
    checkpoint: Mapping[str, Any] | None
    parameters: Mapping[str, Any] | None = None


class WorkerGroup:
    """A context manager that runs worker processes 1 to N − 1 of N; process 0 is this one.

    Args:
        task: of all of them.
        port: at which this process waits for them.

    Raises:
        ProcessLost: one ended before it was ready.
        InputError: this process is one of others' already.
    """

    def __init__(self, task: WorkerTask, port: int) -> None:
        self._size = task.config["trainer"]["devices"]
        self._task = {**vars(task), "port": port, "threads": torch.get_num_threads()}
        self._workers: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def __enter__(self) -> "WorkerGroup":
        if dist.is_initialized():
            raise InputError("trainer=ddp: this process is in a group of torch already, use trainer=default")
        try:
            for _ in range(1, self._size):
                self._start()
            for rank, (worker, _) in enumerate(self._workers, start=1):
                send({**self._task, "rank": rank}, worker)
            for worker, _ in self._workers:
                self._await_ready(worker)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the workers at once; they hold no state that this process does not have."""
        for worker, errors in self._workers:
            worker.kill()
            worker.wait()
            for stream in (worker.stdin, worker.stdout, errors):
                assert stream is not None
                with suppress(BrokenPipeError):  # what it was to be sent
                    stream.close()
        if dist.is_initialized():  # last, since an operation that waits for another process would not end before it
            dist.destroy_process_group()

    def raise_if_lost(self, error: Exception) -> None:
        """Raise ProcessLost if an error is the consequence of a lost worker."""
        silent = re.search("timed? ?out", str(error), re.IGNORECASE)
        until = time.monotonic() + (0 if silent else REAPED)
        while True:
            for rank, (worker, errors) in enumerate(self._workers, start=1):
                if worker.poll() is not None:
                    raise ProcessLost(rank, self._size, _end_of(worker, errors)) from error
            if time.monotonic() >= until:
                break
            time.sleep(0.05)
        if silent:
            raise ProcessLost(None, self._size, "no answer in time") from error

    def _start(self) -> None:
        errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `end`
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
        # In a session of its own, where Ctrl-C does not reach it: this process decides what a signal means.
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(os.getpid())], env=environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        self._workers.append((worker, errors))

    def _await_ready(self, worker: "subprocess.Popen[bytes]") -> None:
        # Who waited at the port for a process that has ended would wait for long.
        assert worker.stdout is not None
        for line in worker.stdout:
            if line == READY:
                return
        self.raise_if_lost(EOFError("a process closed its output before it was ready"))
        raise ProcessLost(None, self._size, "it closed its output")


def send(task: Mapping[str, Any], worker: "subprocess.Popen[bytes]") -> None:
    """Send the task to a worker. The pipe stays open: when it closes, the worker knows that this process has ended."""
    buffer = io.BytesIO()
    torch.save(dict(task), buffer)
    assert worker.stdin is not None
    with suppress(BrokenPipeError):  # `_await_ready` says how it ended
        worker.stdin.write(buffer.getbuffer().nbytes.to_bytes(8, "little") + buffer.getvalue())
        worker.stdin.flush()


def receive(stream: IO[bytes]) -> dict[str, Any]:
    """Receive what `send` sent. Raises EOFError if the sender has ended."""
    size = int.from_bytes(stream.read(8), "little")
    content = stream.read(size)
    if not size or len(content) < size:
        raise EOFError("the first process has ended")
    return torch.load(io.BytesIO(content), weights_only=True)


def _end_of(worker: "subprocess.Popen[bytes]", errors: IO[bytes]) -> str:
    """Return how a process ended: its last line of output, if it had one."""
    errors.seek(0)
    lines: Sequence[str] = errors.read().decode(errors="replace").strip().splitlines()
    if worker.returncode < 0:
        return f"signal {-worker.returncode}"
    return f"exit code {worker.returncode}: {lines[-1]}" if lines else f"exit code {worker.returncode}"
