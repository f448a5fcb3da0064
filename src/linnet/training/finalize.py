"""Finalize a run: choose weights, evaluate them, and write metrics, figures and hashes."""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from linnet.config.metric_names import HIGH, LOW, is_of_one_resample
from linnet.config.own_parts import named_nodes
from linnet.config.run_options import trainer_options
from linnet.data import Data
from linnet.data.given import given_name
from linnet.data.saved import FOLDER
from linnet.models import LinearNetwork
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.files import write_atomic, write_json
from linnet.system.reading import sha256
from linnet.system.sanitize import plain
from linnet.system.terminal import print_next, print_prose
from linnet.system.writing import own_folder
from linnet.tracking import Curve
from linnet.tracking.history import logged
from linnet.tracking.manifest import weights_hash
from linnet.tracking.manifest_file import write_manifest
from linnet.tracking.report import png, print_coefficients, print_result, result_figures
from linnet.training.components import build_model, make
from linnet.training.context import TrainingContext
from linnet.training.divergence import raise_if_diverged
from linnet.training.evaluate import evaluate_parts, move
from linnet.training.further_loggers import log_result
from linnet.training.hyperparameters import hyperparameters
from linnet.training.initial_weights import load_initial_weights
from linnet.training.judged_resamples import FILES as RESAMPLE_FILES, judge_resamples, write_resamples
from linnet.training.resampled import take_final
from linnet.training.setup import FIRST_FILES

log = logging.getLogger(__name__)

HASHED = ("weights.safetensors", "metrics.json", "history.csv", *RESAMPLE_FILES, *FIRST_FILES)
"""Files whose hash goes into the manifest of a completed run, so that a later change of them shows."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished run, with all that training had in memory. `linnet.train` returns it as a `TrainedRun`.

    directory: the run directory; None of a run that was not tracked.
    metrics: what metrics.json holds: "test/accuracy", "val/loss", …
    curves: every logged point: `plt.plot(*run.curves["train/loss"])`.
    module: the LightningModule with its final weights.
    data: the prepared examples it was trained on.
    analysis: what is known of the optimum of the training problem, if anything.
    config: the checked configuration.
    choices: config group -> chosen option.
    """

    directory: Path | None
    metrics: dict[str, float]
    curves: dict[str, Curve]
    module: LinearNetwork
    data: Data
    analysis: ProblemAnalysis | None
    config: Mapping[str, Any]
    choices: Mapping[str, Any]


def finalize(context: TrainingContext, known: Mapping[str, dict[str, float]] | None = None) -> FinishedRun:
    """Choose the weights, evaluate them once on every split, record and print the result; leave the logger open.

    Args:
        context: with its model as training left it.
        known: split -> metrics of the chosen weights, where the model has those already.
    """
    request, data, model, resampled = context.request, context.data, context.model, context.resampled
    model.trained_on = context.trained.trained_on
    move(model, data, model.trained_on)
    if resampled is not None:
        take_final(model, resampled)
    raise_if_diverged(model, data, context.logger.history.curves, partial(_initial, context))
    epochs = -(-model.steps_done // data.chunks.steps_per_epoch)
    kept = context.checkpoint_callback.restore_selected(context.trained) or epochs
    if resampled is not None:
        take_final(model, resampled)
    request.directory.progress(epoch=epochs, step=model.steps_done, kept_epoch=kept)

    draws = request.config["figures"] and not data.train.streamed  # figures are drawn of predictions
    keep = draws or resampled is not None
    metrics, predictions = evaluate_parts(model, data, context.analysis, None if draws else known, keep=keep)
    if resampled is not None:
        test = predictions.get("test")
        judged = judge_resamples(model, resampled, data, context.analysis, request.config, test)
        write_resamples(request.path, judged, model, resampled, data)
        if diverged := sorted(resampled.diverged_of(0)):
            request.directory.progress(diverged_resamples=diverged)
        metrics |= judged.metrics | context.solved
    context.manifest["weights_sha256"] = save_weights(model, request.path)
    if request.config["figures"]:
        _draw(context, predictions)
        if resampled is not None:
            _save(context, "folds", judged.picture())
    _record(context, metrics)
    curves = logged(context.logger.history.curves)
    analysis, config, choices = context.analysis, request.config, request.choices
    run = FinishedRun(request.path, metrics, curves, model, data, analysis, config, choices)
    if request.config["figures"]:
        _draw_own(context, run)
    if not request.console.quiet:
        _print(context, metrics, kept, epochs)
    if context.further_loggers:
        log_result(context, metrics)
    return run


def _initial(context: TrainingContext) -> dict[str, Tensor]:
    """Return the parameters that training began with."""
    model = build_model(context.request.config, context.data)
    if context.request.config.get("init_from"):
        load_initial_weights(model, context.request.path)
    return dict(model.named_parameters())


def _draw_own(context: TrainingContext, run: FinishedRun) -> None:
    """Save what figures of other modules draw. One that fails is left out with a warning: the run is done."""
    for name, node in named_nodes(context.request.config, "figure").items():
        try:
            picture = png(make(node).draw(run))
        except Exception as error:
            log.warning(f"figure.{name} failed: {type(error).__name__}: {plain(' '.join(str(error).split()))}")
        else:
            _save(context, name, picture)


def _draw(context: TrainingContext, predictions: Mapping[str, Tensor]) -> None:
    """Save the figures of the result, `[N, C]` predictions by split, in the run directory and in TensorBoard."""
    curves = context.logger.history.curves
    for name, figure in result_figures(
        context.model, context.data, predictions, curves, context.analysis, context.request.path
    ).items():
        _save(context, name, png(figure))


def _save(context: TrainingContext, name: str, picture: bytes) -> None:
    write_atomic(own_folder(context.request.path, "figures") / f"{name}.png", picture, durable=False)
    context.logger.log_picture(name, picture, context.model.steps_done)


def _record(context: TrainingContext, metrics: Mapping[str, float]) -> None:
    """Write metrics.json, TensorBoard's hyperparameters and the manifest with the hashes of all results."""
    request, logger = context.request, context.logger
    ends = (LOW, HIGH)
    shown = {key: value for key, value in metrics.items() if not key.endswith(ends) and key.count("/") == 1}
    shown = {key: value for key, value in shown.items() if not is_of_one_resample(key)}  # of which there may be many
    logger.log_result(hyperparameters(request.choices, request.config), shown, context.model.steps_done)
    logger.history.flush()
    write_json(request.path / "metrics.json", metrics)
    files = [name for name in HASHED if (request.path / name).is_file()]
    context.manifest["files_sha256"] = {name: sha256(request.path / name) for name in files}
    write_manifest(request.path, context.manifest)


def _print(context: TrainingContext, metrics: Mapping[str, float], kept: int, epochs: int) -> None:
    request, data = context.request, context.data
    console, shown = request.console, request.directory.shown
    if context.model.solution is not None:
        chosen = "kept the exact optimum"
        print_coefficients(console, metrics, data.scaling, data.feature_names)
    else:
        chosen = f"kept epoch {kept} of {epochs}"
        for line in _reasons(context, epochs):
            print_prose(console, line)
    is_kept = given_name(request.config["data"]) is None or (request.path / FOLDER).is_dir()
    print_result(console, metrics, shown, chosen, time.monotonic() - request.started, again=is_kept)
    if data.source.preprocessing is not None:
        print_next(console, "predict", f"linnet predict {shown} --input FILE")


def _reasons(context: TrainingContext, epochs: int) -> Iterator[str]:
    """Yield why early stopping ended training or did not, and why the last epoch is kept where it is not the best."""
    config, metric = context.request.config, context.checkpoint_callback.monitor
    for callback in context.stopping:
        waited, patience = (int(getattr(callback, name)) for name in ("wait_count", "patience"))
        if waited >= patience:
            least = f" by more than {delta:g}" if (delta := config["callbacks"]["early_stopping"]["min_delta"]) else ""
            what = "epoch" if trainer_options(config["trainer"]).check_val_every_n_epoch == 1 else "validation"
            waiting = f"1 {what}" if patience == 1 else f"{patience} {what}s"
            limit = config["trainer"]["max_epochs"]
            yield f"stopped after epoch {epochs} of {limit}: {metric} has not improved{least} for {waiting}"
        else:
            yield f"trained for all {epochs} epochs: {metric} last improved in epoch {epochs - waited}"
    if context.checkpoint_callback.select == "last":
        yield "the last epoch is kept: callbacks.checkpoint.select=last"
    elif context.checkpoint_callback.best is None:
        yield "the last epoch is kept: there are no validation examples to choose by"


def save_weights(model: LinearNetwork, path: Path) -> str:
    """Write weights.safetensors (weight `[C, D]`, bias `[C]`) and return their hash."""
    weights = {name: tensor.detach()[0].cpu().contiguous() for name, tensor in model.named_parameters()}
    write_atomic(path / "weights.safetensors", save(weights))
    return weights_hash(weights)
