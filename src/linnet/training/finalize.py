"""Finalize a run: choose weights, evaluate them, and write metrics, figures and hashes."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from safetensors.torch import save

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.models.intervals import HIGH, LOW
from linnet.system.files import sha256, write_atomic, write_json
from linnet.tracking import Curve, read_history
from linnet.tracking.linear_predictor import FILE as PREDICTOR
from linnet.tracking.manifest import weights_hash
from linnet.tracking.report import coefficients_table, png, print_next, print_result, result_figures
from linnet.tracking.weights import OPTIMUM
from linnet.training.context import TrainingContext
from linnet.training.description import hyperparameters
from linnet.training.divergence import raise_if_diverged
from linnet.training.evaluate import evaluate_parts
from linnet.training.initial_weights import FILE as INITIAL_WEIGHTS

HASHED = ("weights.safetensors", "metrics.json", "history.csv", PREDICTOR, INITIAL_WEIGHTS, OPTIMUM)
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


def finalize(prepared: TrainingContext, known: Mapping[str, dict[str, float]] | None = None) -> Run:
    """All that comes after the last step of training, but closing the logger.

    Args:
        prepared: with its model as training left it.
        known: part -> figures of the kept weights, where those are in the model already.
    """
    job, data, model, record, logger = prepared.job, prepared.data, prepared.model, prepared.record, prepared.logger
    path, config = job.path, job.config
    data.move_to(model.weight.device)
    raise_if_diverged(prepared)
    epochs = model.steps_done // data.chunks.steps_per_epoch
    kept = prepared.checkpoint_callback.restore_selected(model) or epochs
    job.directory.progress(epoch=epochs, step=model.steps_done, kept_epoch=kept)

    draws = config["figures"] and not data.train.streamed  # figures are drawn of predictions
    metrics, predictions = evaluate_parts(model, data, prepared.analysis, None if draws else known)
    record["weights_sha256"] = save_weights(model, path)
    if config["figures"]:
        drawn = result_figures(model, data, predictions, logger.history.curves, prepared.analysis)
        for name, figure in drawn.items():
            (path / "figures").mkdir(exist_ok=True)
            picture = png(figure)
            write_atomic(path / "figures" / f"{name}.png", picture, durable=False)
            logger.log_picture(f"figures/{name}", picture, model.steps_done)
    shown = {key: value for key, value in metrics.items() if not key.endswith((LOW, HIGH)) and key.count("/") == 1}
    logger.log_result(hyperparameters(job.choices, config), shown, model.steps_done)
    logger.history.flush()
    write_json(path / "metrics.json", metrics)
    record["files_sha256"] = {name: sha256(path / name) for name in HASHED if (path / name).is_file()}
    write_json(path / "manifest.json", record)
    chosen = f"kept epoch {kept} of {epochs}"
    if model.solution is not None:
        chosen = "kept the exact optimum"
        table = coefficients_table(metrics, data.scaling, data.feature_names)
        if table is not None:
            job.console.print(table)
    if not job.console.quiet:
        for line in () if model.solution is not None else _reasons(prepared, epochs):
            job.console.print(line, soft_wrap=True)
        print_result(job.console, metrics, job.directory.shown, chosen, time.monotonic() - job.started)
        if data.source.preprocessing is not None:
            print_next(job.console, "predict", f"linnet predict {job.directory.shown} --input FILE")
    return Run(path, metrics, model, data)


def _reasons(prepared: TrainingContext, epochs: int) -> Iterator[str]:
    """Why training with early stopping ended when it did, and why the last epoch is kept where no best one is known."""
    config, metric = prepared.job.config, prepared.checkpoint_callback.monitor
    for callback in prepared.stopping:
        waited, patience = (int(getattr(callback, name)) for name in ("wait_count", "patience"))
        if waited >= patience:
            least = f" by more than {delta:g}" if (delta := config["callbacks"]["early_stopping"]["min_delta"]) else ""
            waiting = "1 epoch" if patience == 1 else f"{patience} epochs"
            limit = config["trainer"]["max_epochs"]
            yield f"stopped after epoch {epochs} of {limit}: {metric} has not improved{least} for {waiting}"
        else:
            yield f"trained for all {epochs} epochs: {metric} last improved in epoch {epochs - waited}"
    if prepared.checkpoint_callback.select == "last":
        yield "the last epoch is kept: callbacks.checkpoint.select=last"
    elif prepared.checkpoint_callback.best is None:
        yield "the last epoch is kept: there are no validation examples to choose by"


def save_weights(model: LinearNetwork, path: Path) -> str:
    """Write weights.safetensors (weight `[C, D]`, bias `[C]`) and return their hash."""
    weights = {name: tensor.detach()[0].cpu().contiguous() for name, tensor in model.named_parameters()}
    write_atomic(path / "weights.safetensors", save(weights))
    return weights_hash(weights)
