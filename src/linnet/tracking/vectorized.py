"""Callbacks of many runs whose models are trained by one trainer."""

import time
from collections.abc import Sequence
from typing import Any, cast

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint as LightningCheckpoint

from linnet.models.network import LinearNetwork
from linnet.system.files import synced_at_once
from linnet.tracking.checkpoint import Checkpoint
from linnet.tracking.gap import Gap

SHARE = 0.05
"""Of the time of training, at most this is spent on checkpoints: there are as many files as models."""


class VectorizedCallbacks(LightningCheckpoint):
    """Call each run's own callbacks while its model is in training.

    Lightning would spend 3 µs on each callback in each of its twenty hooks, more than the models take.

    Args:
        checkpoints: one a model, equal in how often they write.
        gaps: one a model; None where its optimum is not known.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], gaps: Sequence[Gap | None]) -> None:
        self.checkpoints, self.gaps = checkpoints, gaps
        self._written, self._cost = time.monotonic(), 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        cast(LinearNetwork, pl_module).interrupts.install()  # Lightning has put its own handlers in the way

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        model = cast(LinearNetwork, pl_module)
        if model.steps_done % model.data.chunks.steps_per_epoch:  # else the epoch is about to be closed
            self._pause(trainer, model)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        model = cast(LinearNetwork, pl_module)
        objectives = model.training_objective(model.data.train, model.final) if any(self.gaps) else []
        for k in model.in_training:
            gap = self.gaps[k]
            if gap is not None:
                gap.note(model, objectives[k])
            self.checkpoints[k].compare(model, trainer.current_epoch)
        self._pause(trainer, model)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        model = cast(LinearNetwork, pl_module)
        self._write(trainer, model)

    def _pause(self, trainer: pl.Trainer, model: LinearNetwork) -> None:
        every = max(self.checkpoints[0].every_n_seconds, self._cost / SHARE)
        now = time.monotonic()
        if model.interrupts.any() or now - self._written >= every:
            self._write(trainer, model)
            self._written = time.monotonic()
            self._cost = self._written - now
        model.interrupts.raise_if_any()

    def _write(self, trainer: pl.Trainer, model: LinearNetwork) -> None:
        with synced_at_once():
            for k in model.in_training:
                self.checkpoints[k].write(trainer, model)
