"""Carry out one run in its directory: data, model, fit, choose, test, record."""

import logging
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
import yaml

from linnet.config.direction import direction, training_counterpart
from linnet.data import Data
from linnet.data.order import MINIBATCHES_PER_CHUNK
from linnet.models import LinearNetwork
from linnet.system import threads
from linnet.system.errors import Diverged, InputError
from linnet.system.files import write_atomic, write_json
from linnet.system.interrupts import Interrupts
from linnet.tracking import Checkpoint, RunLogger
from linnet.tracking.checkpoint import set_epoch
from linnet.tracking.linear_predictor import FILE as PREDICTOR
from linnet.tracking.linear_predictor import specification
from linnet.tracking.logger import rewind
from linnet.tracking.progress import ProgressReport
from linnet.tracking.weights import OPTIMUM
from linnet.training import optimality
from linnet.training.components import build_data, build_early_stopping, build_model, is_exact, make
from linnet.training.context import Job, TrainingContext, record_status
from linnet.training.description import describe
from linnet.training.distributed.worker_group import Task
from linnet.training.divergence import with_stable_rate
from linnet.training.finalize import Run, finalize
from linnet.training.fit import fit, make_trainer, refuse_missing_gpu
from linnet.training.initial_weights import initialize
from linnet.training.resume_state import is_trained, restore_training, write_record

log = logging.getLogger(__name__)


def run_to_end(job: Job) -> Run:
    """Train in a directory, and leave a true status behind however it ends. The directory is closed then."""
    with job.directory, Interrupts() as interrupts, record_status(job):
        prepared = prepare(job, interrupts)
        try:
            train(prepared)
            run = finalize(prepared)
        finally:
            prepared.logger.close()
        job.directory.set("completed")
    return run


def prepare(
    job: Job, interrupts: Interrupts, like: TrainingContext | None = None, data: Data | None = None
) -> TrainingContext:
    """All that comes before the first step of training.

    Args:
        job: what to do.
        interrupts: of the process.
        like: another job, prepared just before, with equal data.
        data: what the job asks for, if it has been read already.
    """
    config, path = job.config, job.path
    found = config["threads"] or max(1, threads.available() // config["trainer"]["devices"])
    torch.set_num_threads(job.resume_state.manifest["threads"] if job.resume_state else found)

    refuse_missing_gpu(config["trainer"])
    if data is None:
        data = like.data if like else build_data(config)
    record = write_record(
        config, job.choices, data, path, job.resume_state, (like.job.path, like.record) if like else None
    )
    model = build_model(config, data)
    if config.get("init_from") and (job.resume_state is None or job.resume_state.checkpoint is None):
        record.setdefault("init_from", initialize(model, data, config, path, job.initial_weights))
        write_json(path / "manifest.json", record)
    model.monitor, model.interrupts = config["objective"]["metric"], interrupts
    _check_objective(config, data, model)
    log.info(describe(job.choices, config, data, path))
    checkpoint = job.resume_state.checkpoint if job.resume_state else None
    analysis = optimality.load(path) if checkpoint else optimality.analyse_problem(config, data, model)
    if is_exact(config) and analysis is not None:
        model.solution = analysis.optimum.weight, analysis.optimum.bias
    if checkpoint is None:
        if like is None:
            solved = model.solution is not None and analysis is not None and analysis.coefficients is not None
            described: str | bytes = specification(data, model.loss, solved=solved)
        else:
            described = (like.job.path / PREDICTOR).read_bytes()
        write_atomic(path / PREDICTOR, described)
    objective = config["objective"]
    checkpoint_callback: Checkpoint = make(
        config["callbacks"]["checkpoint"],
        folder=path / "checkpoints", monitor=objective["metric"], direction=direction(objective),
    )  # fmt: skip
    stopping = build_early_stopping(config)
    if checkpoint is None:
        rewind(path, {})
        if analysis is not None:
            write_atomic(path / OPTIMUM, analysis.to_bytes())
    else:
        restore_training(checkpoint, path, model, [checkpoint_callback, *stopping])
        if job.resume_state is not None and job.resume_state.continuation is not None:
            job.resume_state.continuation.write(path, record)
            job.directory.state_before = "interrupted"
    logger: RunLogger = make(config["logger"], save_dir=path, resumed_at=model.steps_done if checkpoint else None)
    if checkpoint is None:
        text = yaml.dump(config, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
        logger.experiment.add_text("config", f"```yaml\n{text}```")
    return TrainingContext(job, data, model, record, analysis, checkpoint_callback, stopping, logger, checkpoint)


def train(prepared: TrainingContext) -> None:
    """Train one model, unless it was before."""
    job, data, model = prepared.job, prepared.data, prepared.model
    config, checkpoint = job.config, prepared.checkpoint
    callbacks: list[pl.Callback] = [
        prepared.checkpoint_callback, ProgressReport([job.directory], job.console, config["objective"]["metric"]),
        *([prepared.gap] if prepared.gap else []), *prepared.stopping,
    ]  # fmt: skip
    data.per_chunk = min(MINIBATCHES_PER_CHUNK, prepared.checkpoint_callback.every_n_steps or MINIBATCHES_PER_CHUNK)
    options = config["trainer"] if model.solution is None else {**config["trainer"], "max_epochs": 1}
    trainer = make_trainer(options, callbacks, job.path, logger=prepared.logger)
    set_epoch(trainer, model.steps_done // data.chunks.steps_per_epoch)
    if checkpoint is None or not is_trained(checkpoint, options["max_epochs"] * data.chunks.steps_per_epoch):
        # Other processes build the model by themselves.
        parameters = dict(model.state_dict()) if config.get("init_from") and checkpoint is None else None
        try:
            fit(trainer, model, data, Task(config, data.per_chunk, checkpoint, parameters))
        except Diverged as error:
            raise with_stable_rate(error, model, data) from error


def _check_objective(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> None:
    metric = config["objective"]["metric"]
    if data.val is None and config["callbacks"]["early_stopping"]:
        raise InputError("callbacks=early_stopping needs validation examples: use data.val_fraction=0.1")
    part = data.train if data.val is None else data.val
    few = part.take(torch.arange(min(8, len(part))))
    names = [f"val/{name}" for name in model.evaluate(few)[0]]
    if metric not in names and (data.val is not None or metric not in map(training_counterpart, names)):
        raise InputError(f"objective.metric={metric}: this run logs {', '.join(names)}")
