"""Set up a run: from its configuration to data, manifest, model, callbacks and logger, ready to be trained."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml

from linnet.config.check_options import is_exact
from linnet.config.direction import training_counterpart
from linnet.config.loggers import primary
from linnet.data import Data
from linnet.data.given import find_given, given_name
from linnet.data.saved import readable_again, save_given
from linnet.models import LinearNetwork
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system import threads
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.interrupts import Interrupts
from linnet.system.reading import read_bytes, sha256
from linnet.system.sanitize import printable
from linnet.tracking import RunLogger
from linnet.tracking.linear_predictor import FILE as PREDICTOR, specification
from linnet.tracking.logger import rewind
from linnet.tracking.manifest import environment_differences, manifest, write_changes
from linnet.tracking.manifest_file import write_manifest
from linnet.tracking.resamples import FILE as RESAMPLES, load_resamples, save_resamples
from linnet.tracking.weights import OPTIMUM
from linnet.training import optimality
from linnet.training.components import (
    build_checkpoint,
    build_data,
    build_early_stopping,
    build_model,
    build_own_callbacks,
    make,
)
from linnet.training.context import RunRequest, TrainingContext, restore_training
from linnet.training.description import describe
from linnet.training.device import refuse_missing_gpu
from linnet.training.fold_optima import solve_resamples
from linnet.training.further_loggers import build_further_loggers
from linnet.training.initial_weights import FILE as INITIAL_WEIGHTS, initialize
from linnet.training.resampled import with_resamples
from linnet.training.sequence import data_of

log = logging.getLogger(__name__)

FIRST_FILES = (PREDICTOR, INITIAL_WEIGHTS, OPTIMUM, RESAMPLES)
"""Files that a run writes before its first training step, and reads when it is resumed."""


def setup(
    request: RunRequest, interrupts: Interrupts, like: TrainingContext | None = None, data: Data | None = None
) -> TrainingContext:
    """Return a run that is ready for its first training step, or for the next one if it is resumed.

    Args:
        request: the configuration and the directory.
        interrupts: the signals of this process.
        like: a run that was set up just before, with equal data; its data and its descriptions are used again.
        data: the data of the configuration, if it has been read already.

    Raises:
        InputError: the configuration asks for something that the data or the machine does not have.
    """
    config = request.config
    torch.set_num_threads(_n_threads(request))
    refuse_missing_gpu(config["trainer"])
    if data is None:
        with readable_again(request.path, config["data"]) if request.recorded else nullcontext():
            data = like.data if like else data_of(config, lambda: build_data(config, recorded=request.recorded))
    if request.checkpoint is not None and data.resamples is not None:
        data.resamples = load_resamples(request.path, len(data.train))
    manifest = write_record(request, data, (like.request.path, like.manifest) if like else None)
    model = _model(request, data, manifest)
    model.interrupts = interrupts
    log.info(printable(describe(request.choices, config, data, request.path)))
    analysis = _analyse(request, data, model)
    checkpoint, stopping = build_checkpoint(config, request.path), build_early_stopping(config)
    own = build_own_callbacks(config)
    if own:
        model.monitor = None  # which metrics they read is not known
    resampled, solved = with_resamples(model, data, like.resampled if like else None), {}
    if resampled is not None and model.solution is not None:
        solved = solve_resamples(resampled, data, model.solution)
    if request.checkpoint is None:
        _write_first_files(request, data, model, analysis, like)
        manifest["files_sha256"] = {
            name: sha256(request.path / name) for name in FIRST_FILES if (request.path / name).is_file()
        }
        write_manifest(request.path, manifest)
    else:
        _restore(request, resampled or model, [checkpoint, *stopping, *own], manifest)
    logger = _logger(request, resampled or model)
    return TrainingContext(
        request, data, model, manifest, analysis, checkpoint, stopping, own, logger,
        build_further_loggers(request, logger.history, data.chunks.steps_per_epoch, interrupts),
        resampled, solved,
    )  # fmt: skip


def _n_threads(request: RunRequest) -> int:
    """Return the number of torch's threads; a resumed run keeps its own, for equal results."""
    if request.resume_state is not None:
        return int(request.resume_state.manifest["threads"])
    return request.config["threads"] or max(1, threads.available() // request.config["trainer"]["devices"])


def _model(request: RunRequest, data: Data, manifest: dict[str, Any]) -> LinearNetwork:
    """Return the model with its initial weights, and record in the manifest where those of another run come from."""
    config = request.config
    model = build_model(config, data)
    if config.get("init_from") and request.checkpoint is None:
        origin = initialize(model, data, config, request.path, request.initial_weights)
        manifest.setdefault("init_from", origin)
        write_manifest(request.path, manifest)
    model.monitor = config["objective"]["metric"]
    check_objective(config, data, model)
    return model


def check_objective(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> None:
    """Raise InputError if the run logs no such metric as chooses its best epoch."""
    metric = config["objective"]["metric"]
    if data.val is None and data.resamples is None and config["callbacks"]["early_stopping"]:
        raise InputError("callbacks=early_stopping needs validation examples: use data.val_fraction=0.1")
    split = data.train if data.val is None else data.val
    # A metric of another module may need more than a few examples, such as some of each class.
    rows = torch.arange(min(8, len(split)))
    few = split if model.own_metrics.parts else split.take(rows if split.streamed else rows.to(split.y.device))
    found = model.evaluate(few if few.streamed else few.to(model.weight.device))[0]
    names = [f"val/{name}" for name in found]
    logged = [f"cv/{name}" for name in found] if data.resamples else []
    logged += names if data.val is not None or not logged else []
    if metric not in logged and (data.val is not None or metric not in map(training_counterpart, names)):
        raise InputError(f"objective.metric={metric}: this run logs {', '.join(logged)}")


def _analyse(request: RunRequest, data: Data, model: LinearNetwork) -> ProblemAnalysis | None:
    """Return what is known of the training problem's optimum; a resumed run reads what it found before."""
    if request.checkpoint is None:
        analysis = optimality.analyse_problem(request.config, data, model)
    else:
        analysis = optimality.load(request.path)
    if is_exact(request.config) and analysis is not None:
        model.solution = analysis.optimum.weight, analysis.optimum.bias
    return analysis


def _write_first_files(
    request: RunRequest,
    data: Data,
    model: LinearNetwork,
    analysis: ProblemAnalysis | None,
    like: TrainingContext | None,
) -> None:
    """Write what describes predictor, resamples and optimum, and clear the logs of a start that was interrupted."""
    if like is None:
        solved = model.solution is not None and analysis is not None and analysis.coefficients is not None
        described: str | bytes = specification(data, model.loss, solved=solved)
    else:
        described = read_bytes(like.request.path / PREDICTOR)
    write_atomic(request.path / PREDICTOR, described)
    rewind(request.path, {})
    if data.resamples is not None:
        save_resamples(request.path, data.resamples)
    if analysis is not None:
        write_atomic(request.path / OPTIMUM, analysis.to_bytes())


def _restore(
    request: RunRequest, model: LinearNetwork, callbacks: Sequence[pl.Callback], manifest: Mapping[str, Any]
) -> None:
    """Go back to the state of the checkpoint; with more epochs than before, record that from here on."""
    assert request.resume_state is not None and request.checkpoint is not None
    restore_training(request.checkpoint, request.path, model, callbacks)
    continuation = request.resume_state.continuation
    if continuation is not None:
        continuation.write(request.path, manifest)
        request.directory.state_before = "interrupted"


def _logger(request: RunRequest, model: LinearNetwork) -> RunLogger:
    """Return the run's logger; a new run begins with its configuration."""
    resumed_at = None if request.checkpoint is None else model.steps_done
    logger: RunLogger = make(primary(request.config["logger"]), save_dir=request.path, resumed_at=resumed_at)
    if resumed_at is None:
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        text = yaml.dump(request.config, Dumper=dumper, sort_keys=False)
        logger.experiment.add_text("config", f"```yaml\n{text}```")
    return logger


def write_record(request: RunRequest, data: Data, like: tuple[Path, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Write and return the manifest; a resumed run keeps the one it began with, and adds where it went on.

    That of a run that is continued with more epochs is returned only, see `Continuation.write`.

    Args:
        request, data: of the run.
        like: directory and manifest of a run that was set up in this process just before, on the same data.

    Raises:
        InputError: the data is not what it was.
    """
    path, resume_state = request.path, request.resume_state
    record = manifest(request.config, request.choices, data.source.checksum, None if like is None else like[1])
    name = given_name(request.config["data"])
    if name is not None and (given := find_given(name)) is not None:
        record["python_data"] = given.record()
        if given.save and resume_state is None:
            save_given(path, given)
    if resume_state is None:
        write_changes(path, record, None if like is None else like[0])
    elif not data.source.has_checksum(resume_state.manifest["data_checksum"]):
        raise InputError(
            f"{path}: the data is not what the run began with (checksum {data.source.checksum[:12]}, recorded "
            f"{resume_state.manifest['data_checksum'][:12]}): put it back, or start a new run"
        )
    else:
        step = resume_state.checkpoint["linnet"]["steps_done"] if resume_state.checkpoint else 0
        differing = environment_differences(resume_state.manifest, record)
        resumed = [*resume_state.manifest.get("resumed", []), {"step": step, "differs": differing}]
        record = {**resume_state.manifest, "resumed": resumed}
        if resume_state.continuation is not None:  # written once nothing can be refused any more
            return resume_state.continuation.record(record)
    write_manifest(path, record)
    return record
