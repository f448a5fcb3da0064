"""Report progress of training: a bar on a terminal, plain lines elsewhere."""

import logging
import time
from collections.abc import Sequence
from typing import Any, cast

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from linnet.models.network import LinearNetwork
from linnet.tracking.directory import RunDirectory

log = logging.getLogger(__name__)
PLAIN_LINES = 10
"""So many lines, about, however many epochs."""


class ProgressReport(pl.Callback):
    """Epoch, training loss, the objective and the time left; and the same into status.json.

    Args:
        directories: of the runs, one a model.
        console: where the bar goes.
        monitor: the metric shown beside the training loss; of several models, those of the first are shown.
    """

    def __init__(self, directories: Sequence[RunDirectory], console: Console, monitor: str) -> None:
        self.directories, self.monitor = directories, monitor
        self.progress = Progress(
            TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[metrics]}", markup=False),
            TimeRemainingColumn(), console=console, transient=True, disable=console.quiet or not console.is_terminal,
        )  # fmt: skip

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = time.monotonic()
        self.task = self.progress.add_task("training", total=trainer.max_epochs, metrics="")
        self.progress.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        for directory in self.directories:
            directory.progress(epoch=trainer.current_epoch, step=getattr(pl_module, "steps_done", 0))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        model = cast(LinearNetwork, pl_module)
        epoch, total, latest = trainer.current_epoch + 1, trainer.max_epochs or 1, model.metrics[0]
        metrics = f"train/loss {latest['train/loss_epoch']:.4g}"
        if self.monitor in latest:
            metrics += f"  {self.monitor} {latest[self.monitor]:.4g}"
        for directory in self.directories:
            directory.progress(epoch=epoch, step=model.steps_done)
        self.progress.update(self.task, completed=epoch, metrics=metrics)
        alone = len(self.directories) == 1  # else the lines would be in one run's log and about another's model
        if alone and self.progress.disable and (epoch % max(1, round(total / PLAIN_LINES)) == 0 or epoch == total):
            log.info(f"epoch {epoch:>{len(str(total))}}/{total}  {metrics}  {time.monotonic() - self.started:.1f} s")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.progress.stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.progress.stop()
