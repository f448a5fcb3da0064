"""Checkpoints of a run: the last state, to resume from, and the best one."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint as LightningCheckpoint

from linnet.config.option_types import Count, NonNegative
from linnet.models.network import LinearNetwork
from linnet.tracking.checkpoint_file import BEST, save, save_last, snapshot
from linnet.tracking.logger import RunLogger


class Checkpoint(LightningCheckpoint):
    """Keeps the state after the last step and after the best epoch.

    last.ckpt holds all that the rest of training depends on: parameters, the optimizer's state, the position in the
    epoch and in the log files, other callbacks, the best state. The best state is kept in memory and its own file
    written when due: an epoch of a small model takes less time than a file that has to reach the disk.

    Args:
        folder: where the files go, made if absent.
        monitor: the metric that selects the best epoch, e.g. "val/loss". Where no such metric is logged, as in a run
            without validation examples, the last state counts as the best and there is no best.ckpt.
        direction: "minimize" or "maximize".
        every_n_seconds: files are written at most so often during training, and at its end in any case.
        every_n_steps: files are also written once so many minibatches have been trained on; None: by time only.
            Training pauses every 256 minibatches, every `every_n_steps` if that is less, and at the end of an epoch.
        select: "best" or "last": the state that the run ends with.

    Attributes:
        k: index of the model, among several that are trained together.
    """

    def __init__(
        self,
        folder: Path,
        monitor: str,
        direction: str,
        every_n_seconds: NonNegative = 10.0,
        every_n_steps: Count | None = None,
        select: Literal["best", "last"] = "best",
    ) -> None:
        self.folder, self.monitor, self.select = folder, monitor, select
        self.k = 0
        self.every_n_seconds, self.every_n_steps = every_n_seconds, every_n_steps
        self.sign = 1.0 if direction == "minimize" else -1.0
        self.best_value = float("inf")
        self.best: dict[str, Any] | None = None
        self._best_is_written = True
        self._written, self._written_step = time.monotonic(), 0

    def state_dict(self) -> dict[str, Any]:
        return {"best_value": self.best_value, "best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_value, self.best = state_dict["best_value"], state_dict["best"]
        self._best_is_written = False  # the file may be of an epoch that is trained once more

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        cast(LinearNetwork, pl_module).interrupts.install()  # Lightning has put its own handlers in the way
        self._written_step = cast(LinearNetwork, pl_module).steps_done

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        model = cast(LinearNetwork, pl_module)
        if not model.data.chunks.ends_epoch(model.steps_done):  # else the epoch is about to be closed
            self.pause(trainer, model)
            model.interrupts.raise_if_any()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        model = cast(LinearNetwork, pl_module)
        self.compare(model, trainer.current_epoch)
        self.pause(trainer, model)
        model.interrupts.raise_if_any()

    def compare(self, model: LinearNetwork, epoch: int) -> None:
        """Keep the state if it is the best so far."""
        value = model.metrics[self.k].get(self.monitor)
        if value is not None and self.sign * value < self.best_value:
            self.best_value = self.sign * value
            self.best = snapshot(model, epoch, self.k)
            self._best_is_written = False

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.write(trainer, cast(LinearNetwork, pl_module))

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Keep the best state of a run that fails; the last one may be the fault."""
        if isinstance(exception, Exception):
            self.write_best()

    def pause(self, trainer: pl.Trainer, model: LinearNetwork) -> None:
        """Write what is due; between two bundles, when the state of the run is whole."""
        steps = model.steps_done - self._written_step
        if (
            model.interrupts.any()
            or (self.every_n_steps is not None and steps >= self.every_n_steps)
            or time.monotonic() - self._written >= self.every_n_seconds
        ):
            self.write(trainer, model)
        for logger in model.loggers_of(self.k):
            if isinstance(logger, RunLogger):
                logger.flush_now_and_then()

    def write(self, trainer: pl.Trainer, model: LinearNetwork) -> None:
        """Write all files with the current state; the previous ones stay until the new ones are complete."""
        self.folder.mkdir(exist_ok=True)
        state = snapshot(model, max(0, model.steps_done - 1) // model.data.chunks.steps_per_epoch, self.k)
        callbacks: list[Any] = trainer.callbacks if self in trainer.callbacks else [self]  # type: ignore[attr-defined]
        state["callbacks"] = {
            callback.state_key: callback.state_dict() for callback in callbacks if callback.state_dict()
        }
        enough = trainer.current_epoch + 1 >= (trainer.min_epochs or 0)  # else Lightning goes on
        state["linnet"]["stopped"] = (trainer.should_stop and enough) or model.steps_done == model.data.max_steps
        state["linnet"]["position"] = next(
            logger.position() for logger in model.loggers_of(self.k) if isinstance(logger, RunLogger)
        )
        save_last(self.folder, state)
        self.write_best()
        self._written, self._written_step = time.monotonic(), model.steps_done

    def write_best(self) -> None:
        """Write best.ckpt, if there is a better state than it holds."""
        if self.best is not None and not self._best_is_written:
            self.folder.mkdir(exist_ok=True)
            save(self.folder / BEST, self.best)
            self._best_is_written = True

    def restore_selected(self, model: LinearNetwork) -> int | None:
        """Load the weights that the run ends with; return their epoch (from 1), None for the last."""
        if self.select == "last" or self.best is None:
            return None
        model.load_state_dict(self.best["state_dict"])
        return int(self.best["epoch"]) + 1


def restore(checkpoint: Mapping[str, Any], model: LinearNetwork, callbacks: Sequence[pl.Callback]) -> None:
    """Restore model and callbacks to the state that `Checkpoint.write` saved.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError, AttributeError: it is of another model, or of other callbacks.
    """
    state = checkpoint["linnet"]["optimizer"]
    if not isinstance(state, dict):
        raise TypeError("it holds no state of an optimizer")
    model.optimizer.load_state_dict(model.new_optimizer_state(), state)  # else refused in the middle of fit
    model.load_state_dict(checkpoint["state_dict"])
    model.on_load_checkpoint(dict(checkpoint))
    for callback in callbacks:
        if callback.state_dict():
            callback.load_state_dict(checkpoint["callbacks"][callback.state_key])


def set_epoch(trainer: pl.Trainer, epoch: int) -> None:
    """Make Lightning begin at an epoch, counted from 0."""
    progress: Any = trainer.fit_loop.epoch_progress.current
    progress.ready = progress.started = progress.processed = progress.completed = epoch
