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

from linnet import best_possible
from linnet.begun import Begun, begin_again, is_trained, write_record
from linnet.build import build_data, build_early_stopping, build_model, make
from linnet.data import Data
from linnet.data.order import MINIBATCHES_PER_BUNDLE
from linnet.description import describe, hyperparameters
from linnet.errors import Diverged, InputError, ProcessLost
from linnet.evaluate import evaluate_parts
from linnet.files import sha256, write_atomic, write_json
from linnet.fit import fit, make_trainer, refuse_missing_gpu
from linnet.interrupts import Interrupts
from linnet.models import LinearNetwork
from linnet.optimum.landscape import Landscape
from linnet.parallel.team import Task
from linnet.statistics import HIGH, LOW
from linnet.tracking import Curve, RunLogger, read_history
from linnet.tracking.checkpoint import set_epoch
from linnet.tracking.directory import RunDirectory
from linnet.tracking.gap import Gap
from linnet.tracking.logger import rewind
from linnet.tracking.manifest import weights_hash
from linnet.tracking.progress import ProgressReport
from linnet.tracking.report import coefficients_table, png, print_next, print_result, result_figures

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
        except ProcessLost as error:
            directory.set("interrupted", error=str(error))
            print_next(console, "go on", f"linnet resume {directory.shown}")
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
    shared = int(os.environ.get("LINNET_THREADS", THREADS))
    found = config["threads"] or max(1, shared // config["trainer"]["devices"])
    torch.set_num_threads(begun.manifest["threads"] if begun else found)

    refuse_missing_gpu(config["trainer"])
    data = build_data(config)
    record = write_record(config, choices, data, path, begun)
    model = build_model(config, data)
    model.monitor, model.interrupts = config["objective"]["metric"], interrupts
    _check_objective(config, data, model)
    log.info(describe(choices, config, data, path))
    checkpoint = begun.checkpoint if begun else None
    landscape = best_possible.load(path) if checkpoint else best_possible.best_possible(config, data, model)
    callbacks = _callbacks(config, directory, console, landscape)
    data.per_bundle = min(MINIBATCHES_PER_BUNDLE, callbacks[0].every_n_steps or MINIBATCHES_PER_BUNDLE)
    steps_per_epoch = data.bundles.steps_per_epoch
    options = config["trainer"]
    if best_possible.is_exact(config) and landscape is not None:
        options = {**options, "max_epochs": 1}
        model.solution = landscape.optimum.weight, landscape.optimum.bias
    if checkpoint is None:
        rewind(path, {})
        if landscape is not None:
            write_atomic(path / best_possible.FILE, landscape.to_bytes())
    else:
        begin_again(checkpoint, path, model, callbacks)
    logger: RunLogger = make(config["logger"], save_dir=path, resumed_at=model.steps_done if checkpoint else None)
    try:
        trainer = make_trainer(options, callbacks, path, logger=logger)
        set_epoch(trainer, model.steps_done // steps_per_epoch)
        if checkpoint is None:
            logger.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(OmegaConf.create(config))}```")
        if checkpoint is None or not is_trained(checkpoint, options["max_epochs"] * steps_per_epoch):
            fit(trainer, model, data, Task(config, data.per_bundle, checkpoint))
        data.move_to(model.weight.device)
        epochs = model.steps_done // steps_per_epoch
        kept = callbacks[0].restore_selected(model) or epochs
        directory.set("running", epoch=epochs, step=model.steps_done, kept_epoch=kept)

        metrics, predictions = evaluate_parts(model, data, landscape)
        record["weights_sha256"] = save_weights(model, path)
        if config["figures"]:
            for name, figure in result_figures(model, data, predictions, logger.history.curves).items():
                (path / "figures").mkdir(exist_ok=True)
                picture = png(figure)
                write_atomic(path / "figures" / f"{name}.png", picture, durable=False)
                logger.log_picture(f"figures/{name}", picture, model.steps_done)
        shown = {key: value for key, value in metrics.items() if not key.endswith((LOW, HIGH)) and key.count("/") == 1}
        logger.log_result(hyperparameters(choices, config), shown, model.steps_done)
    finally:
        logger.close()
    write_json(path / "metrics.json", metrics)
    record["files_sha256"] = {name: sha256(path / name) for name in HASHED}
    write_json(path / "manifest.json", record)
    chosen = f"epoch {kept} of {epochs}" if kept != epochs else f"the last epoch, {epochs}"
    if model.solution is not None:
        chosen = "the optimum"
        table = coefficients_table(metrics)
        if table is not None:
            console.print(table)
    print_result(console, metrics, directory.shown, chosen, time.monotonic() - started)
    return Run(path, metrics, model, data)


def _callbacks(
    config: Mapping[str, Any], directory: RunDirectory, console: Console, landscape: Landscape | None
) -> "list[Any]":
    """The checkpoint, which is told of by its own name in the configuration, then the others."""
    objective = config["objective"]
    callbacks: list[pl.Callback] = [
        make(
            config["callbacks"]["checkpoint"],
            folder=directory.path / "checkpoints", monitor=objective["metric"], direction=objective["direction"],
        ),
        ProgressReport(directory, console, objective["metric"]),
    ]  # fmt: skip
    if landscape is not None and landscape.optimum.attained:
        callbacks.append(Gap(landscape.optimum))
    return callbacks + build_early_stopping(config)


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
