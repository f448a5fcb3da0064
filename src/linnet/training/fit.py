"""Train the model of a run that is set up."""

from typing import Any

import pytorch_lightning as pl

from linnet.data.order import MINIBATCHES_PER_CHUNK
from linnet.system.compat.lightning import count_step
from linnet.system.errors import Diverged
from linnet.tracking.checkpoint import set_epoch
from linnet.tracking.progress import ProgressReport
from linnet.training.context import TrainingContext
from linnet.training.distributed.worker_group import WorkerTask
from linnet.training.divergence import with_stable_rate
from linnet.training.resume_state import is_trained
from linnet.training.trainer import make_trainer, run_trainer


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
    request, data, model = context.request, context.data, context.model
    config, checkpoint = request.config, request.checkpoint
    callbacks: list[pl.Callback] = [
        context.checkpoint_callback, ProgressReport([request.directory], request.console, context.metric),
        *([context.gap] if context.gap else []), *context.stopping,
    ]  # fmt: skip
    if context.own_callbacks:
        callbacks = [CountSteps(), *callbacks, *context.own_callbacks]
    data.per_chunk = min(MINIBATCHES_PER_CHUNK, context.checkpoint_callback.every_n_steps or MINIBATCHES_PER_CHUNK)
    if any(map(_looks_at_batches, context.own_callbacks)):
        data.per_chunk = 1
    options = config["trainer"] if model.solution is None else {**config["trainer"], "max_epochs": 1}
    trainer = make_trainer(options, callbacks, request.path, logger=context.logger)
    set_epoch(trainer, model.steps_done // data.chunks.steps_per_epoch)
    if checkpoint is not None and is_trained(checkpoint, options["max_epochs"] * data.chunks.steps_per_epoch):
        return
    # Worker processes build the model themselves, but for weights that come from another run.
    parameters = dict(model.state_dict()) if config.get("init_from") and checkpoint is None else None
    try:
        run_trainer(trainer, model, data, WorkerTask(config, data.per_chunk, checkpoint, parameters))
    except Diverged as error:
        raise with_stable_rate(error, model, data) from error
