"""Train without a Trainer and without files: the same updates in the same order, to the same weights bit for bit."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from pytorch_lightning.callbacks import EarlyStopping
from torch import Tensor

from linnet.config.check_options import CALLBACKS
from linnet.config.direction import direction
from linnet.config.run_options import seconds_of, trainer_options
from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.solvers.optimum import Optimum
from linnet.system.compat.lightning import stops_early
from linnet.system.errors import Diverged, InputError
from linnet.tracking import Checkpoint, Curve
from linnet.tracking.gap import Gap
from linnet.training.device import accelerator
from linnet.training.divergence import raise_if_diverged, with_stable_rate


@dataclass(frozen=True)
class LoopOptions:
    """When a loop ends, and which epoch's weights it ends with.

    max_epochs: at most so many; a model that has a `solution` takes one.
    metric, direction: choose the best epoch, among those that were validated.
    select: "best" or "last": the epoch whose weights the loop ends with; without validation examples always the last.
    patience: epochs without an improvement of the metric by more than min_delta, after which training ends; None: all
        of max_epochs.
    min_epochs: the patience ends training no earlier.
    check_val_every_n_epoch: epochs between two validations.
    log_every_n_steps: updates between two points of train/grad_norm and train/lr.
    max_time: in seconds; after it the minibatches at hand are the last. None: not limited.
    accelerator: "cpu", "gpu", or "auto" for what is faster. The loop ends with the model on the CPU.
    """

    max_epochs: int = 20
    metric: str = "val/loss"
    direction: Literal["minimize", "maximize"] = "minimize"
    select: Literal["best", "last"] = "best"
    patience: int | None = None
    min_delta: float = 0.0
    min_epochs: int = 0
    check_val_every_n_epoch: int = 1
    log_every_n_steps: int = 10
    max_time: float | None = None
    accelerator: Literal["cpu", "gpu", "auto"] = "cpu"


@dataclass(frozen=True)
class LoopResult:
    """What a loop has done besides leaving the model with its final weights.

    history: metric -> its curve, as history.csv of a run has it.
    epochs: that training started.
    steps: updates.
    kept_epoch: whose weights the model has, counted from 1.
    """

    history: dict[str, Curve]
    epochs: int
    steps: int
    kept_epoch: int


@dataclass
class _Recorder:
    """Curves in memory, as `History` keeps them in a file too."""

    curves: dict[str, Curve] = field(default_factory=dict)
    histogram_every_n_epochs = 0

    def log_series(self, name: str, steps: Sequence[int], values: Sequence[float], every: int = 1) -> None:
        curve = self.curves.setdefault(name, Curve([], []))
        curve.step.extend(steps)
        curve.value.extend(values)

    def log_histograms(self, params: Mapping[str, Tensor], step: int) -> None:
        """Keep none."""


def loop_options(config: Mapping[str, Any]) -> LoopOptions:
    """Return the options of a checked configuration of a run.

    Raises:
        InputError: the configuration asks for something that a Trainer does, or that writes files.
    """
    callbacks, trainer, objective = config["callbacks"], trainer_options(config["trainer"]), config["objective"]
    for name in callbacks:
        if name not in CALLBACKS:
            raise InputError(f"callbacks.{name}: callbacks of other modules need a tracked run, which has a Trainer")
    if trainer.profiler is not None:
        raise InputError("trainer.profiler needs a tracked run: it writes a file into the run's directory")
    if trainer.strategy == "ddp" or trainer.devices > 1:
        raise InputError("trainer=ddp needs a tracked run: training without one takes one process")
    stopping = callbacks["early_stopping"] or {"patience": None, "min_delta": 0.0}
    return LoopOptions(
        max_epochs=trainer.max_epochs,
        metric=objective["metric"],
        direction=direction(objective),
        select=callbacks["checkpoint"]["select"],
        patience=stopping["patience"],
        min_delta=stopping["min_delta"],
        min_epochs=trainer.min_epochs or 0,
        check_val_every_n_epoch=1 if trainer.fast_dev_run else trainer.check_val_every_n_epoch,
        log_every_n_steps=trainer.log_every_n_steps,
        max_time=None if trainer.max_time is None else seconds_of(trainer.max_time),
        accelerator=trainer.accelerator,
    )


def train_loop(model: LinearNetwork, data: Data, options: LoopOptions, optimum: Optimum | None = None) -> LoopResult:
    """Train one model on prepared data, and leave it with the weights that a tracked run would end with.

    Nothing is written, printed or asked of signals. A model that has been trained before goes on from its weights and
    from what its optimizer remembers, while epochs and updates are counted from 0 again: to learn from further examples
    give them as another `Data`, and for another order another seed.

    Args:
        model: with its parts, `clip` and, if it is to be solved for, `solution`, as `build_model` makes it.
        data: limited by its `max_steps`, `limit_batches` and `overfit_batches`.
        options: see there; `loop_options` reads those of a configuration.
        optimum: of the training problem, for curves of the distance from it.

    Raises:
        Diverged: the loss became infinite or NaN, or has grown a thousandfold; with a learning rate that would do.
        InputError: early stopping without validation examples or resamples.
        MemoryError: if examples or gradients do not fit onto the GPU.
        ValueError: the model is several side by side, and not those of one run's resamples.
    """
    if model.n_runs != 1:
        raise ValueError(f"a loop trains one model, got {model.n_runs} side by side")
    if options.patience is not None and data.val is None and model.resamples is None:
        raise InputError("callbacks=early_stopping needs validation examples: use data.val_fraction=0.1")
    initial = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    recorder, kept = _Recorder(), Checkpoint(Path(), options.metric, options.direction, select=options.select)
    on_gpu = accelerator(vars(options), model, data) == "gpu"
    model.to("cuda" if on_gpu else "cpu")
    model.recorder = recorder
    try:
        model.begin_again()
        model.begin(data)
        stopping = None if options.patience is None else _early_stopping(options, options.patience)
        gap = None if optimum is None else Gap(optimum)
        epochs = run_epochs(model, data, options, stopping, gap, _KeepBest(model, kept))
    except Diverged as error:
        raise with_stable_rate(error, model, data) from error
    except torch.OutOfMemoryError as error:  # of a GPU
        raise MemoryError(str(error).splitlines()[0]) from error
    finally:
        model.recorder = None
        model.end()
        del model.data
    model.to("cpu")
    model.move_resamples()
    data.move_to(model.weight.device)
    raise_if_diverged(model, data, recorder.curves, lambda: initial)
    best = kept.restore_selected(model)
    return LoopResult(recorder.curves, epochs, model.steps_done, best or epochs)


class Watcher(Protocol):
    """What is done between two chunks and at the end of an epoch besides training."""

    def after_chunk(self, epoch: int) -> None: ...

    def after_epoch(self, epoch: int, stop: bool) -> None: ...


@dataclass(frozen=True)
class _KeepBest:
    """Keeps the state of the best epoch."""

    model: LinearNetwork
    kept: Checkpoint

    def after_chunk(self, epoch: int) -> None:
        """Do nothing."""

    def after_epoch(self, epoch: int, stop: bool) -> None:
        self.kept.compare(self.model, epoch)


def run_epochs(
    model: LinearNetwork, data: Data, options: LoopOptions, stopping: EarlyStopping | None, gap: Gap | None,
    watcher: Watcher,
) -> int:  # fmt: skip
    """Train epoch by epoch and return their number.

    Args:
        model, data: with `model.begin` called.
        options: see there.
        stopping: may end training early.
        gap: logs the distance from the optimum.
        watcher: called with the epoch, counted from 0, and whether early stopping asks for its end.
    """
    order = data.order(lambda: model.steps_done)
    max_epochs = 1 if model.solution is not None else math.ceil(data.length(options.max_epochs))
    model.deadline = None if options.max_time is None else time.monotonic() + options.max_time
    stop = False
    for epoch in range(max_epochs):
        model.begin_epoch(epoch, max_epochs)
        for rows in order:
            model.train_on(rows, options.log_every_n_steps)
            watcher.after_chunk(epoch)
        if (data.val is not None or model.resamples) and (epoch + 1) % options.check_val_every_n_epoch == 0:
            with torch.inference_mode():
                (found,) = model.validate(data.val)
            if options.metric not in found:
                raise InputError(f"objective.metric={options.metric}: this run logs {', '.join(found)}")
            n_validated = len(data.train if data.val is None else data.val)
            if stopping is not None and stops_early(stopping, model.metrics[0][options.metric], n_validated):
                stop, stopping.stopped_epoch = True, epoch
        if gap is not None:
            gap.note(model, model.training_objective(data.train, model.final)[0])
        watcher.after_epoch(epoch, stop)
        if (stop and epoch + 1 >= options.min_epochs) or model.steps_done == data.max_steps:
            return epoch + 1
    return max_epochs


def _early_stopping(options: LoopOptions, patience: int) -> EarlyStopping:
    return EarlyStopping(options.metric, options.min_delta, patience, mode=options.direction[:3])
