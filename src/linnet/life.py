"""The life of one run in its directory: data, model, fit, choose, test, record."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml
from rich.console import Console
from safetensors.torch import save

from linnet import best_possible, predictor, threads
from linnet.begun import Begun, begin_again, is_trained, write_record
from linnet.build import build_data, build_early_stopping, build_model, make
from linnet.data import Data
from linnet.data.order import MINIBATCHES_PER_BUNDLE
from linnet.description import describe, hyperparameters, of_predictor
from linnet.errors import Diverged, InputError, ProcessLost
from linnet.evaluate import evaluate_parts
from linnet.files import sha256, write_atomic, write_json
from linnet.fit import fit, make_trainer, refuse_missing_gpu
from linnet.interrupts import Interrupts
from linnet.models import LinearNetwork
from linnet.optimum.landscape import Landscape
from linnet.parallel.team import Task
from linnet.statistics import HIGH, LOW
from linnet.tracking import Checkpoint, Curve, RunLogger, read_history
from linnet.tracking.checkpoint import set_epoch
from linnet.tracking.directory import RunDirectory
from linnet.tracking.gap import Gap
from linnet.tracking.logger import rewind
from linnet.tracking.manifest import weights_hash
from linnet.tracking.progress import ProgressReport
from linnet.tracking.report import coefficients_table, png, print_next, print_result, result_figures

log = logging.getLogger(__name__)

HASHED = ("weights.safetensors", "metrics.json", "history.csv", predictor.FILE)
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
class Job:
    """What to do, and where.

    directory: of the run, owned by this process.
    config: checked, and resolved to plain containers.
    choices: config group -> chosen option.
    console: for a person.
    begun: of a run that goes on.
    started: by `time.monotonic`.
    """

    directory: RunDirectory
    config: dict[str, Any]
    choices: Mapping[str, Any]
    console: Console
    begun: Begun | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> Path:
        return self.directory.path


@dataclass(frozen=True)
class Prepared:
    """A job with all its parts, ready to be trained.

    record: what manifest.json holds.
    keeper: of its states, the last and the best.
    stopping: what may end training early, if anything.
    checkpoint: None for a run that begins.
    """

    job: Job
    data: Data
    model: LinearNetwork
    record: dict[str, Any]
    landscape: Landscape | None
    keeper: Checkpoint
    stopping: list[pl.Callback]
    logger: RunLogger
    checkpoint: dict[str, Any] | None

    @property
    def gap(self) -> Gap | None:
        """Logs the distance from the best possible, where that is finite and known."""
        return Gap(self.landscape.optimum) if self.landscape is not None and self.landscape.optimum.attained else None


def live(job: Job) -> Run:
    """Train in a directory, and leave a true status behind however it ends. The directory is closed then."""
    with job.directory, Interrupts() as interrupts, true_status(job):
        prepared = prepare(job, interrupts)
        try:
            train(prepared)
            run = conclude(prepared)
        finally:
            prepared.logger.close()
        job.directory.set("completed")
    return run


@contextmanager
def true_status(job: Job) -> Iterator[None]:
    """Record how the job ends, if that is by an error."""
    directory = job.directory
    try:
        yield
    except Diverged as error:
        directory.set("diverged", step=error.step, error=str(error))
        raise
    except InputError as error:
        directory.set("failed" if job.begun is None else directory.state_before, error=str(error))
        raise
    except ProcessLost as error:
        directory.set("interrupted", error=str(error))
        print_next(job.console, "go on", f"linnet resume {directory.shown}")
        raise
    except Exception as error:
        directory.set("failed", error=f"{type(error).__name__}: {error}".splitlines()[0])
        logging.getLogger("linnet.traceback").exception("the run failed")
        raise
    except BaseException as error:
        directory.set("interrupted", error=str(error) or "stopped from outside")
        print_next(job.console, "go on", f"linnet resume {directory.shown}")
        raise


def prepare(job: Job, interrupts: Interrupts, like: Prepared | None = None, data: Data | None = None) -> Prepared:
    """All that comes before the first step of training.

    Args:
        job: what to do.
        interrupts: of the process.
        like: another job, prepared just before, with equal data.
        data: what the job asks for, if it has been read already.
    """
    config, path = job.config, job.path
    found = config["threads"] or max(1, threads.available() // config["trainer"]["devices"])
    torch.set_num_threads(job.begun.manifest["threads"] if job.begun else found)

    refuse_missing_gpu(config["trainer"])
    if data is None:
        data = like.data if like else build_data(config)
    record = write_record(config, job.choices, data, path, job.begun, (like.job.path, like.record) if like else None)
    model = build_model(config, data)
    if job.begun is None:
        told = of_predictor(data, model.loss) if like is None else (like.job.path / predictor.FILE).read_bytes()
        write_atomic(path / predictor.FILE, told)
    model.monitor, model.interrupts = config["objective"]["metric"], interrupts
    _check_objective(config, data, model)
    log.info(describe(job.choices, config, data, path))
    checkpoint = job.begun.checkpoint if job.begun else None
    landscape = best_possible.load(path) if checkpoint else best_possible.best_possible(config, data, model)
    if best_possible.is_exact(config) and landscape is not None:
        model.solution = landscape.optimum.weight, landscape.optimum.bias
    objective = config["objective"]
    keeper: Checkpoint = make(
        config["callbacks"]["checkpoint"],
        folder=path / "checkpoints", monitor=objective["metric"], direction=objective["direction"],
    )  # fmt: skip
    stopping = build_early_stopping(config)
    if checkpoint is None:
        rewind(path, {})
        if landscape is not None:
            write_atomic(path / best_possible.FILE, landscape.to_bytes())
    else:
        begin_again(checkpoint, path, model, [keeper, *stopping])
    logger: RunLogger = make(config["logger"], save_dir=path, resumed_at=model.steps_done if checkpoint else None)
    if checkpoint is None:
        text = yaml.dump(config, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
        logger.experiment.add_text("config", f"```yaml\n{text}```")
    return Prepared(job, data, model, record, landscape, keeper, stopping, logger, checkpoint)


def train(prepared: Prepared) -> None:
    """Train one model, unless it was before."""
    job, data, model = prepared.job, prepared.data, prepared.model
    config, checkpoint = job.config, prepared.checkpoint
    callbacks: list[pl.Callback] = [
        prepared.keeper, ProgressReport([job.directory], job.console, config["objective"]["metric"]),
        *([prepared.gap] if prepared.gap else []), *prepared.stopping,
    ]  # fmt: skip
    data.per_bundle = min(MINIBATCHES_PER_BUNDLE, prepared.keeper.every_n_steps or MINIBATCHES_PER_BUNDLE)
    options = config["trainer"] if model.solution is None else {**config["trainer"], "max_epochs": 1}
    trainer = make_trainer(options, callbacks, job.path, logger=prepared.logger)
    set_epoch(trainer, model.steps_done // data.bundles.steps_per_epoch)
    if checkpoint is None or not is_trained(checkpoint, options["max_epochs"] * data.bundles.steps_per_epoch):
        fit(trainer, model, data, Task(config, data.per_bundle, checkpoint))


def conclude(prepared: Prepared, known: Mapping[str, dict[str, float]] | None = None) -> Run:
    """All that comes after the last step of training, but closing the logger.

    Args:
        prepared: with its model as training left it.
        known: part -> figures of the kept weights, where those are in the model already.
    """
    job, data, model, record, logger = prepared.job, prepared.data, prepared.model, prepared.record, prepared.logger
    path, config = job.path, job.config
    data.move_to(model.weight.device)
    epochs = model.steps_done // data.bundles.steps_per_epoch
    kept = prepared.keeper.restore_selected(model) or epochs
    job.directory.progress(epoch=epochs, step=model.steps_done, kept_epoch=kept)

    anew = config["figures"] and not data.train.streamed  # figures are drawn of predictions
    metrics, predictions = evaluate_parts(model, data, prepared.landscape, None if anew else known)
    record["weights_sha256"] = save_weights(model, path)
    if config["figures"]:
        drawn = result_figures(model, data, predictions, logger.history.curves, prepared.landscape)
        for name, figure in drawn.items():
            (path / "figures").mkdir(exist_ok=True)
            picture = png(figure)
            write_atomic(path / "figures" / f"{name}.png", picture, durable=False)
            logger.log_picture(f"figures/{name}", picture, model.steps_done)
    shown = {key: value for key, value in metrics.items() if not key.endswith((LOW, HIGH)) and key.count("/") == 1}
    logger.log_result(hyperparameters(job.choices, config), shown, model.steps_done)
    logger.history.flush()
    write_json(path / "metrics.json", metrics)
    record["files_sha256"] = {name: sha256(path / name) for name in HASHED}
    write_json(path / "manifest.json", record)
    chosen = f"epoch {kept} of {epochs}" if kept != epochs else f"the last epoch, {epochs}"
    if model.solution is not None:
        chosen = "the optimum"
        table = coefficients_table(metrics)
        if table is not None:
            job.console.print(table)
    if not job.console.quiet:
        print_result(job.console, metrics, job.directory.shown, chosen, time.monotonic() - job.started)
        if data.source.preprocessing is not None:
            print_next(job.console, "predict", f"linnet predict {job.directory.shown} --input FILE")
    return Run(path, metrics, model, data)


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
