"""The life of one run in its directory: data, model, fit, choose, test, record."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf
from rich.console import Console
from safetensors.torch import save

from linnet.build import build_data, build_model, make
from linnet.data import Data
from linnet.data.order import MINIBATCHES_PER_BUNDLE
from linnet.description import describe, hyperparameters
from linnet.errors import Diverged, InputError
from linnet.evaluate import evaluate_parts
from linnet.files import sha256, write_atomic, write_json
from linnet.fit import fit, make_trainer
from linnet.interrupts import Interrupts
from linnet.models import LinearNetwork
from linnet.statistics import HIGH, LOW
from linnet.tracking import Curve, RunLogger, read_history
from linnet.tracking.checkpoint import restore
from linnet.tracking.directory import RunDirectory
from linnet.tracking.logger import rewind
from linnet.tracking.manifest import environment_differences, manifest, weights_hash, write_changes
from linnet.tracking.progress import ProgressReport
from linnet.tracking.report import print_next, print_result, result_figures

log = logging.getLogger(__name__)

THREADS = torch.get_num_threads()
"""What torch found when the process began; a run before this one may have asked for another number."""
HASHED = ("weights.safetensors", "metrics.json", "history.csv")
"""Files whose hash goes into the manifest of a completed run, so that a later change of them shows."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    directory: the run directory.
    metrics: what metrics.json holds: "test/accuracy", "val/loss", …
    model: the LightningModule with its final weights.
    data: the prepared examples it was trained on.
    """

    directory: Path
    metrics: dict[str, float]
    model: LinearNetwork
    data: Data

    @cached_property
    def history(self) -> dict[str, Curve]:
        """Every logged point: `plt.plot(*run.history["train/loss"])`."""
        return read_history(self.directory / "history.csv")


@dataclass(frozen=True)
class Begun:
    """What an interrupted run has left to go on with.

    manifest: as it was written at the beginning.
    checkpoint: None if there was none yet.
    """

    manifest: dict[str, Any]
    checkpoint: dict[str, Any] | None


def live(
    directory: RunDirectory,
    config: dict[str, Any],
    choices: Mapping[str, Any],
    *,
    begun: Begun | None = None,
    quiet: bool = False,
) -> Run:
    """Train in a directory, and leave a true status behind however it ends.

    Args:
        directory: is closed at the end.
        config: checked, and resolved to plain containers.
        choices: config group -> chosen option.
        begun: of a run that goes on.
        quiet: print nothing.
    """
    console = Console(quiet=quiet)
    with directory, Interrupts() as interrupts:
        try:
            run = _stages(config, choices, directory, console, interrupts, begun)
        except Diverged as error:
            directory.set("diverged", step=error.step, error=str(error))
            raise
        except InputError as error:
            directory.set("failed" if begun is None else directory.state_before, error=str(error))
            raise
        except Exception as error:
            directory.set("failed", error=f"{type(error).__name__}: {error}".splitlines()[0])
            logging.getLogger("linnet.traceback").exception("the run failed")
            raise
        except BaseException as error:
            directory.set("interrupted", error=str(error) or "stopped from outside")
            print_next(console, "go on", f"linnet resume {directory.shown}")
            raise
        directory.set("completed")
    return run


def _stages(
    config: dict[str, Any],
    choices: Mapping[str, Any],
    directory: RunDirectory,
    console: Console,
    interrupts: Interrupts,
    begun: Begun | None,
) -> Run:
    started, path = time.monotonic(), directory.path
    found = config["threads"] or int(os.environ.get("LINNET_THREADS", THREADS))
    torch.set_num_threads(begun.manifest["threads"] if begun else found)

    data = build_data(config)
    record = _record(config, choices, data, path, begun)
    model = build_model(config, data)
    model.monitor, model.interrupts = config["objective"]["metric"], interrupts
    _check_objective(config, data, model)
    checkpoint = begun.checkpoint if begun else None
    rewind(path, checkpoint["linnet"]["position"] if checkpoint else {})
    step = checkpoint["linnet"]["steps_done"] if checkpoint else None
    logger: RunLogger = make(config["logger"], save_dir=path, resumed_at=step)
    try:
        callbacks = _callbacks(config, directory, console)
        trainer = make_trainer(config["trainer"], logger, callbacks, path)
        data.per_bundle = min(MINIBATCHES_PER_BUNDLE, callbacks[0].every_n_steps or MINIBATCHES_PER_BUNDLE)
        steps_per_epoch = data.bundles.steps_per_epoch
        if checkpoint is None:
            logger.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(OmegaConf.create(config))}```")
        else:
            _restore(checkpoint, model, trainer, steps_per_epoch, path)
        log.info(describe(choices, config, data, path))
        if checkpoint is None or not _is_trained(checkpoint, config, steps_per_epoch):
            fit(trainer, model, data)
        data.move_to(model.weight.device)
        epochs = model.steps_done // steps_per_epoch
        kept = callbacks[0].restore_selected(model) or epochs
        directory.set("running", epoch=epochs, step=model.steps_done, kept_epoch=kept)

        metrics, predictions = evaluate_parts(model, data)
        record["weights_sha256"] = save_weights(model, path)
        if config["figures"]:
            for name, figure in result_figures(model, data, predictions, logger.history.curves).items():
                (path / "figures").mkdir(exist_ok=True)
                figure.savefig(path / "figures" / f"{name}.png", dpi=100)
                logger.experiment.add_figure(f"figures/{name}", figure, model.steps_done)
        shown = {key: value for key, value in metrics.items() if not key.endswith((LOW, HIGH))}
        logger.log_result(hyperparameters(choices, config), shown, model.steps_done)
    finally:
        logger.close()
    write_json(path / "metrics.json", metrics)
    record["files_sha256"] = {name: sha256(path / name) for name in HASHED}
    write_json(path / "manifest.json", record)
    print_result(console, metrics, directory.shown, kept, epochs, time.monotonic() - started)
    return Run(path, metrics, model, data)


def _record(
    config: Mapping[str, Any], choices: Mapping[str, Any], data: Data, path: Path, begun: Begun | None
) -> dict[str, Any]:
    """The manifest: of a run that goes on the one it began with, and where it went on."""
    record = manifest(config, choices, data.source.checksum)
    if begun is None:
        write_changes(path, record)
    elif begun.manifest["data_checksum"] != data.source.checksum:
        raise InputError(
            f"{path}: the data is not what the run began with (checksum {data.source.checksum[:12]}, recorded "
            f"{begun.manifest['data_checksum'][:12]}): put it back, or train anew"
        )
    else:
        step = begun.checkpoint["linnet"]["steps_done"] if begun.checkpoint else 0
        differing = environment_differences(begun.manifest, record)
        resumed = [*begun.manifest.get("resumed", []), {"step": step, "differs": differing}]
        record = {**begun.manifest, "resumed": resumed}
    write_json(path / "manifest.json", record)
    return record


def _callbacks(config: Mapping[str, Any], directory: RunDirectory, console: Console) -> "list[Any]":
    """The checkpoint, which is told of by its own name in the configuration, then the others."""
    objective, chosen = config["objective"], config["callbacks"]
    callbacks: list[pl.Callback] = [
        make(
            chosen["checkpoint"],
            folder=directory.path / "checkpoints", monitor=objective["metric"], direction=objective["direction"],
        ),
        ProgressReport(directory, console, objective["metric"]),
    ]  # fmt: skip
    if chosen["early_stopping"]:
        mode = objective["direction"][:3]
        callbacks.append(make(chosen["early_stopping"], monitor=objective["metric"], mode=mode))
    return callbacks


def _restore(
    checkpoint: dict[str, Any], model: LinearNetwork, trainer: pl.Trainer, steps_per_epoch: int, path: Path
) -> None:
    try:
        restore(checkpoint, model, trainer, steps_per_epoch)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path / 'checkpoints'}: the checkpoint is not of this run's configuration: {reason}"
        ) from error


def _is_trained(checkpoint: Mapping[str, Any], config: Mapping[str, Any], steps_per_epoch: int) -> bool:
    saved = checkpoint["linnet"]
    return saved["stopped"] or saved["steps_done"] >= config["trainer"]["max_epochs"] * steps_per_epoch


def save_weights(model: LinearNetwork, path: Path) -> str:
    """Write weights.safetensors (weight `[C, D]`, bias `[C]`) and return their hash."""
    weights = {name: tensor.detach()[0].cpu().contiguous() for name, tensor in model.named_parameters()}
    write_atomic(path / "weights.safetensors", save(weights))
    return weights_hash(weights)


def _check_objective(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> None:
    metric = config["objective"]["metric"]
    if data.val is None:
        if config["callbacks"]["early_stopping"]:
            raise InputError("callbacks=early_stopping needs validation examples: use data.val_fraction=0.1")
        return
    few = data.val.take(torch.arange(min(8, len(data.val))))
    names = [f"val/{name}" for name in model.evaluate(few)[0]]
    if metric not in names:
        raise InputError(f"objective.metric={metric}: this run logs {', '.join(names)}")
