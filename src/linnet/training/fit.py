"""Train the model of a run that is set up: by Lightning's Trainer, or without it where nothing needs it."""

import logging
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.profilers import AdvancedProfiler, SimpleProfiler
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from linnet.config.run_options import seconds_of, trainer_options
from linnet.data import Data
from linnet.data.order import MINIBATCHES_PER_CHUNK
from linnet.models import LinearNetwork
from linnet.system.compat.lightning import count_step, leave_signals_alone
from linnet.system.errors import Diverged, InputError
from linnet.system.files import write_atomic
from linnet.tracking.checkpoint import set_epoch
from linnet.tracking.loggers.fan_out import LogEpochs
from linnet.tracking.progress import ProgressReport
from linnet.training.components import make
from linnet.training.context import TrainingContext, is_trained
from linnet.training.device import accelerator
from linnet.training.distributed.strategy import DataParallel
from linnet.training.distributed.worker_group import WorkerGroup, WorkerTask
from linnet.training.divergence import with_stable_rate
from linnet.training.fit_alone import fit_alone, needs_no_trainer

PASSED_ON = ("_target_", "accelerator", "devices", "strategy", "log_every_n_steps", "min_epochs")
"""Options that Lightning's Trainer is given as they are."""


class _Simple(SimpleProfiler):
    def describe(self) -> None:
        """Keep the report, which `fit` writes, before Lightning forgets it."""
        self.report = self.summary()


class _Advanced(AdvancedProfiler):
    def describe(self) -> None:
        """Keep the report, as `_Simple` does."""
        self.report = self.summary()


PROFILERS = {"simple": _Simple, "advanced": _Advanced}
PROFILE = "fit-profile.txt"
"""In the run directory: where the time of training went. Not written by Lightning, which would follow a link there."""


def make_trainer(
    options: Mapping[str, Any], data: Data, callbacks: Sequence[pl.Callback], path: Path, **others: Any
) -> pl.Trainer:
    """Lightning's Trainer with linnet's callbacks.

    Args:
        options: the `trainer` node of the configuration, with an accelerator that is not "auto".
        data: of the run, which limits the number of epochs.
        callbacks: all there shall be.
        path: the run directory.
        others: further arguments of the Trainer: logger, strategy.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    known = trainer_options(options)
    chosen = {key: options[key] for key in PASSED_ON if options.get(key) is not None}
    if known.profiler is not None:
        chosen["profiler"] = PROFILERS[known.profiler]()
    if options["strategy"] == "ddp":
        chosen["strategy"] = others.pop("strategy", None) or DataParallel(rank=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*available but not used")
        trainer: pl.Trainer = make(
            chosen, max_epochs=math.ceil(data.length(known.max_epochs)), callbacks=list(callbacks),
            default_root_dir=path, num_sanity_val_steps=0, enable_progress_bar=False, enable_model_summary=False,
            check_val_every_n_epoch=1 if known.fast_dev_run else known.check_val_every_n_epoch,
            **{"logger": False, **others},
        )  # fmt: skip
    if options["strategy"] == "ddp":
        # Lightning's answer to SIGTERM is a message to the other processes, which would not expect it.
        leave_signals_alone(trainer)
    return trainer


def run_trainer(trainer: pl.Trainer, model: LinearNetwork, data: Data, task: WorkerTask | None = None) -> None:
    """Train the model on the data, with further processes if the strategy is theirs and they are given a task.

    Raises:
        InputError: a callback of another module asks for what a run does not have, such as an optimizer of torch.
        Interrupted: on a signal; the checkpoint has been written.
        MemoryError: if examples or gradients do not fit onto the GPU.
        KeyboardInterrupt: on one that did not come by a signal. Lightning would turn it into sys.exit(1).
        ProcessLost: if another process ended, or does not answer.
    """
    strategy = trainer.strategy
    parallel = WorkerGroup(task, strategy.port) if task and isinstance(strategy, DataParallel) else nullcontext()
    with parallel as team, model.interrupts.deferred(), warnings.catch_warnings():
        # What Lightning advises does not apply: batches do not come from worker processes.
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        try:
            trainer.fit(model, datamodule=data)
        except SystemExit as error:
            model.interrupts.install()  # Lightning leaves SIGINT ignored
            model.interrupts.raise_if_any()
            raise KeyboardInterrupt from error
        except MisconfigurationException as error:  # of a callback that wants something else of a module
            raise InputError(f"{' '.join(str(error).split())} (a callback does not fit linnet's modules)") from error
        except torch.OutOfMemoryError as error:  # of a GPU
            raise MemoryError(str(error).splitlines()[0]) from error
        except RuntimeError as error:
            if team is not None:
                team.raise_if_lost(error)
            raise
        finally:
            model.end()


class CountSteps(pl.Callback):
    """Tell Lightning how many updates were made, for callbacks of others that ask `trainer.global_step`."""

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        count_step(trainer, int(pl_module.steps_done))  # type: ignore[arg-type]


def _looks_at_batches(callback: pl.Callback) -> bool:
    """Return whether a callback has a hook of each batch, which Lightning then gives it for every minibatch."""
    hooks = ("on_train_batch_start", "on_train_batch_end")
    return any(getattr(type(callback), hook) is not getattr(pl.Callback, hook) for hook in hooks)


def fit(context: TrainingContext) -> None:
    """Train to the last epoch; a resumed run that has been trained to its end is left as it is.

    Raises:
        Diverged: with a learning rate that would not diverge.
        Interrupted: on a signal; the checkpoint has been written.
    """
    request, data, model = context.request, context.data, context.trained
    config, checkpoint = request.config, request.checkpoint
    callbacks: list[pl.Callback] = [
        context.checkpoint_callback, ProgressReport([request.directory], request.console, context.metric),
        *([context.gap] if context.gap else []), *context.stopping,
    ]  # fmt: skip
    if context.own_callbacks:
        callbacks = [CountSteps(), *callbacks, *context.own_callbacks]
    if context.further_loggers:
        callbacks.append(LogEpochs(context.further_loggers))
    data.per_chunk = min(MINIBATCHES_PER_CHUNK, context.checkpoint_callback.every_n_steps or MINIBATCHES_PER_CHUNK)
    if any(map(_looks_at_batches, context.own_callbacks)):
        data.per_chunk = 1
    if needs_no_trainer(context):
        try:
            fit_alone(context)
        except Diverged as error:
            raise with_stable_rate(error, model, data) from error
        return
    options = {**config["trainer"], "accelerator": accelerator(config["trainer"], model, data)}
    if model.solution is not None:
        options["max_epochs"] = 1
    trainer = make_trainer(options, data, callbacks, request.path, logger=context.logger)
    set_epoch(trainer, model.steps_done // data.chunks.steps_per_epoch)
    steps = options["max_epochs"] * data.chunks.steps_per_epoch
    if checkpoint is not None and is_trained(
        checkpoint, steps if data.max_steps is None else min(steps, data.max_steps)
    ):
        return
    max_time = trainer_options(options).max_time
    model.deadline = None if max_time is None else time.monotonic() + seconds_of(max_time)
    # Worker processes build the model themselves, but for weights that come from another run.
    parameters = dict(model.state_dict()) if config.get("init_from") and checkpoint is None else None
    try:
        run_trainer(trainer, model, data, WorkerTask(config, data.per_chunk, checkpoint, parameters))
    except Diverged as error:
        raise with_stable_rate(error, model, data) from error
    if trainer_options(options).profiler is not None:
        write_atomic(request.path / PROFILE, trainer.profiler.report)  # type: ignore[attr-defined]
