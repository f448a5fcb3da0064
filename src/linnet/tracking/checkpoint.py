"""last.ckpt and best.ckpt: whole files, in Lightning's format, that load without running code."""

import io
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint as LightningCheckpoint

from linnet.files import write_atomic


class Checkpoint(LightningCheckpoint):
    """Keeps the state after the last epoch and after the best one.

    The best state is kept in memory and written when due: an epoch of a small model takes less time than a file that
    has to reach the disk.

    Args:
        folder: where the files go, made if absent.
        monitor: the metric that tells the best epoch, e.g. "val/loss". Where no such metric is logged, as in a run
            without validation examples, the last state counts as the best and there is no best.ckpt.
        direction: "minimize" or "maximize".
        every_n_seconds: files are written at most so often during training, and at its end in any case.
        select: "best" or "last": the state that the run ends with.
    """

    def __init__(
        self, folder: Path, monitor: str, direction: str, every_n_seconds: float = 10.0, select: str = "best"
    ) -> None:
        self.folder, self.monitor, self.every_n_seconds, self.select = folder, monitor, every_n_seconds, select
        self.sign = 1.0 if direction == "minimize" else -1.0
        self.best_value = float("inf")
        self.best: dict[str, Any] | None = None
        self._written = time.monotonic()
        self._best_is_written = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = trainer.callback_metrics.get(self.monitor)
        if value is not None and self.sign * float(value) < self.best_value:
            self.best_value = self.sign * float(value)
            self.best = snapshot(pl_module, trainer.current_epoch)
            self._best_is_written = False
        if time.monotonic() - self._written >= self.every_n_seconds:
            self.write(pl_module, trainer.current_epoch)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.write(pl_module, trainer.current_epoch - 1)  # which is the number of epochs done by now

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Keep the best state of a run that ends early; the last one may be the fault."""
        self._write_best()

    def write(self, pl_module: pl.LightningModule, epoch: int) -> None:
        """Both files as of the end of an epoch, counted from 0; the previous ones stay until the new ones are whole."""
        self.folder.mkdir(exist_ok=True)
        _save(self.folder / "last.ckpt", snapshot(pl_module, epoch))
        self._write_best()
        self._written = time.monotonic()

    def _write_best(self) -> None:
        if self.best is not None and not self._best_is_written:
            self.folder.mkdir(exist_ok=True)
            _save(self.folder / "best.ckpt", self.best)
            self._best_is_written = True

    def restore_selected(self, pl_module: pl.LightningModule) -> int | None:
        """Give the module the weights that the run ends with; the epoch (from 1) they are of, None for the last."""
        if self.select == "last" or self.best is None:
            return None
        pl_module.load_state_dict(self.best["state_dict"])
        return int(self.best["epoch"]) + 1


def snapshot(pl_module: pl.LightningModule, epoch: int) -> dict[str, Any]:
    """A copy of the training state in Lightning's checkpoint format, from plain containers and tensors only.

    Args:
        pl_module: a LinearNetwork.
        epoch: the last one that is done, counted from 0.
    """
    checkpoint = {
        "epoch": epoch,
        "global_step": pl_module.steps_done,
        "pytorch-lightning_version": version("pytorch-lightning"),
        "state_dict": {name: tensor.detach().clone() for name, tensor in pl_module.state_dict().items()},
        "hparams_name": "kwargs",
        "hyper_parameters": dict(pl_module.hparams),
    }
    pl_module.on_save_checkpoint(checkpoint)
    return checkpoint


def _save(path: Path, checkpoint: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    write_atomic(path, buffer.getvalue())
