"""Train one run of many without Lightning's Trainer, which takes longer than the training of a small model.

The same callbacks do the same between two chunks, so that files, weights and curves are those of a run by the Trainer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl

from linnet.models import LinearNetwork
from linnet.tracking.progress import ProgressReport
from linnet.training.context import TrainingContext
from linnet.training.device import accelerator
from linnet.training.loop import loop_options, run_epochs


@dataclass
class Position:
    """What callbacks ask a Trainer for: how far it is."""

    callbacks: Sequence[pl.Callback]
    max_epochs: int
    min_epochs: int
    current_epoch: int = 0
    should_stop: bool = False


def needs_no_trainer(context: TrainingContext) -> bool:
    """Return whether nothing of a run of many needs a Trainer: new, on the processor, with linnet's own callbacks."""
    request, trainer = context.request, context.request.config["trainer"]
    device = accelerator(trainer, context.trained, context.data)
    alone = (device, trainer["devices"], trainer["strategy"]) == ("cpu", 1, "auto")
    others = context.own_callbacks or context.further_loggers or trainer.get("profiler") is not None
    return request.one_of_many and alone and not others and request.checkpoint is None


def fit_alone(context: TrainingContext) -> None:
    """Train to the last epoch. Errors as of `fit`."""
    request, model, data = context.request, context.trained, context.data
    options = loop_options(request.config)
    progress = ProgressReport([request.directory], request.console, context.metric)
    max_epochs = 1 if model.solution is not None else options.max_epochs
    # In the order in which Lightning calls them: checkpoints last.
    callbacks = [progress, *context.stopping, context.checkpoint_callback]
    trainer: Any = Position(callbacks, max_epochs, options.min_epochs)
    model.recorder = context.logger
    stopping: Any = context.stopping[0] if context.stopping else None
    with model.interrupts.deferred():
        try:
            model.begin(data)
            progress.on_train_start(trainer, model)
            context.checkpoint_callback.on_train_start(trainer, model)
            run_epochs(model, data, options, stopping, context.gap, _Watcher(context, model, progress, trainer))
            progress.on_train_end(trainer, model)
            context.checkpoint_callback.on_train_end(trainer, model)
            context.logger.flush()
        except BaseException as error:
            progress.on_exception(trainer, model, error)
            context.checkpoint_callback.on_exception(trainer, model, error)
            raise
        finally:
            model.recorder = None


@dataclass(frozen=True)
class _Watcher:
    """Calls the hooks of the callbacks."""

    context: TrainingContext
    model: LinearNetwork
    progress: ProgressReport
    trainer: Any

    def after_chunk(self, epoch: int) -> None:
        self.trainer.current_epoch = epoch
        self.progress.on_train_batch_end(self.trainer, self.model)
        self.context.checkpoint_callback.on_train_batch_end(self.trainer, self.model)

    def after_epoch(self, epoch: int, stop: bool) -> None:
        self.trainer.should_stop = stop
        self.progress.on_train_epoch_end(self.trainer, self.model)
        self.context.checkpoint_callback.on_train_epoch_end(self.trainer, self.model)
