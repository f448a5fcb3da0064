"""How a person sees training go on: a bar on a terminal, plain lines elsewhere."""

import logging
import time
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from linnet.tracking.directory import RunDirectory

log = logging.getLogger(__name__)
PLAIN_LINES = 10
"""So many lines, about, however many epochs."""


class ProgressReport(pl.Callback):
    """Epoch, training loss, the objective and the time left; and the same into status.json.

    Args:
        directory: of the run.
        console: where the bar goes.
        monitor: the metric shown beside the training loss.
    """

    def __init__(self, directory: RunDirectory, console: Console, monitor: str) -> None:
        self.directory, self.monitor = directory, monitor
        self.progress = Progress(
            TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(), console=console, transient=True, disable=console.quiet or not console.is_terminal,
        )  # fmt: skip

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = time.monotonic()
        self.task = self.progress.add_task("training", total=trainer.max_epochs, figures="")
        self.progress.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.directory.progress(trainer.current_epoch, getattr(pl_module, "steps_done", 0))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epoch, total = trainer.current_epoch + 1, trainer.max_epochs or 1
        figures = f"train/loss {trainer.callback_metrics['train/loss_epoch']:.4g}"
        if self.monitor in trainer.callback_metrics:
            figures += f"  {self.monitor} {trainer.callback_metrics[self.monitor]:.4g}"
        self.directory.progress(epoch, getattr(pl_module, "steps_done", 0))
        self.progress.update(self.task, completed=epoch, figures=figures)
        if self.progress.disable and (epoch % max(1, round(total / PLAIN_LINES)) == 0 or epoch == total):
            log.info(f"epoch {epoch:>{len(str(total))}}/{total}  {figures}  {time.monotonic() - self.started:.1f} s")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.progress.stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.progress.stop()
