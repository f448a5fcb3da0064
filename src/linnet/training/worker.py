"""One of the other processes of a data-parallel run, started by `WorkerGroup`.

It trains as the first process does, and logs, saves and prints nothing.
"""

import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import IO, Any

import torch

from linnet.system.interrupts import SIGNALS
from linnet.tracking.checkpoint import restore, set_epoch
from linnet.training.components import build_data, build_early_stopping, build_model, build_own_callbacks
from linnet.training.distributed.strategy import DataParallel
from linnet.training.distributed.worker_group import READY, receive
from linnet.training.fit import make_trainer


def main() -> None:
    for signum in SIGNALS:  # the first process is told, and ends this one
        signal.signal(signum, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is no answer
    task = receive(sys.stdin.buffer)
    threading.Thread(target=_end_with_the_first, args=(sys.stdin.buffer,), daemon=True).start()
    try:
        train(task, answers)
    except Exception as error:
        print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        os._exit(1)  # threads that wait for other processes would not let Python end


def train(task: dict[str, Any], answers: IO[bytes]) -> None:
    """Train the same model on the same data as the first process, by the same updates."""
    config = task["config"]
    torch.set_num_threads(task["threads"])
    data = build_data(config)
    data.per_chunk = task["per_chunk"]
    model = build_model(config, data)
    model.monitor = None if build_own_callbacks(config) else config["objective"]["metric"]
    if task["parameters"] is not None:
        model.load_state_dict(task["parameters"])
    callbacks = [*build_early_stopping(config), *build_own_callbacks(config)]
    if task["checkpoint"] is not None:
        restore(task["checkpoint"], model, callbacks)
    strategy = DataParallel(task["rank"], task["port"])
    trainer = make_trainer(
        config["trainer"], data, callbacks, Path.cwd(), strategy=strategy, enable_checkpointing=False
    )
    set_epoch(trainer, model.steps_done // data.chunks.steps_per_epoch)
    answers.write(READY)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        trainer.fit(model, datamodule=data)


def _end_with_the_first(pipe: IO[bytes]) -> None:
    """Until the pipe is at its end, which it is when the first process has ended, in whatever way."""
    pipe.read()
    os._exit(1)
