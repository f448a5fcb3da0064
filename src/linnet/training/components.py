"""Build the components of a run from its checked configuration."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import get_object

from linnet.config.check_options import CALLBACKS, declared, is_exact
from linnet.config.direction import direction
from linnet.config.option_types import options_of
from linnet.config.own_parts import is_own, kind_of, named_nodes
from linnet.config.run_options import Preparation, Trainer, trainer_options
from linnet.config.trust import trusted_object
from linnet.data import Data, Source, prepare
from linnet.data.resampling import resample
from linnet.data.sources.own_source import own_source
from linnet.losses import Loss
from linnet.losses.own_loss import OwnLoss
from linnet.models import LinearNetwork
from linnet.models.own_metrics import OwnMetrics
from linnet.models.train_steps import Clip
from linnet.optimizers import Exact, Optimizer
from linnet.optimizers.torch_optim import AnyTorchOptimizer
from linnet.penalties import Penalty
from linnet.schedules import Schedule
from linnet.system.errors import InputError
from linnet.tracking import Checkpoint
from linnet.training.fitting_parts import check_device, check_outputs, check_targets, check_task
from linnet.training.own_penalty import OwnPenalty
from linnet.training.own_schedule import OwnSchedule

PREPARATION = tuple(options_of(Preparation).keys() - {"dtype", "seed"})
"""The keys of `data` that say how examples are prepared; the others say where they come from."""
# What torch says where Python would raise a MemoryError: there is none left, or no such number exists.
TOO_LARGE = ("can't allocate memory", "Storage size calculation overflowed", "Overflow when unpacking")


def dtype_of(config: Mapping[str, Any]) -> str:
    """Return the dtype of features, weights and metrics: float64 where the run is solved exactly."""
    return "float64" if is_exact(config) else str(config["data"]["dtype"])


def build_data(config: Mapping[str, Any], *, recorded: bool = False) -> Data:
    """Load, split and scale the examples.

    Args:
        config: the job's configuration as `linnet.config.check` returns it.
        recorded: whether it is that of an existing run, perhaps somebody else's: nothing is fetched into a directory
            that it names.

    Raises:
        InputError: if the data cannot be had, or is not what the options ask for.
        MemoryError: if there are too many examples; says how much memory was asked for.
    """
    dtype = dtype_of(config)
    options = {**config["data"], "dtype": dtype}
    if recorded and options.get("root") is not None:
        options["download"] = False
    preparation = {key: options.pop(key) for key in PREPARATION if key in options}
    declaration = declared(options)
    if "val_fraction" in options_of(declaration):  # held out by the source itself
        options["val_fraction"], preparation["val_fraction"] = preparation["val_fraction"], None
        options |= {key: preparation.pop(key) for key in ("outer_folds", "outer_fold") if key in preparation}
    if declaration.is_table:
        options["keep_constant"] = not config["model"]["bias"]
    try:
        source = own_data(options) if is_own(options["_target_"]) else make(options)
        check_task(config, source)
        check_device(config, source)
        if declaration.validation == "given" and source.val is not None:
            preparation["val_fraction"] = None
        bias = bool(config["model"]["bias"])
        data = prepare(
            source, seed=options["seed"], **preparation, dtype=dtype, bias=bias,
            centre_targets=bias and declared(config["loss"]).shift_invariant,
        )  # fmt: skip
    except (MemoryError, RuntimeError, TypeError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in TOO_LARGE):
            raise
        name = config["data"]["_target_"].rpartition(".")[2]
        asked = re.search(r"allocate ([\d.]+ \w+)", str(error))
        amount = f" ({asked[1]} at once)" if asked else ""
        raise MemoryError(f"the examples of {name} do not fit into memory{amount}: use fewer of them") from error
    _limit(data, trainer_options(config["trainer"]))
    if "resampling" in config:
        data.resamples = resample(make(config["resampling"]), data.train, source, data.seed)
    return data


def _limit(data: Data, trainer: Trainer) -> None:
    """Limit minibatches and evaluated examples to those that the trainer's options ask for."""
    quick = int(trainer.fast_dev_run)
    data.overfit_batches = trainer.overfit_batches
    data.max_steps = quick or trainer.max_steps
    n_batches = -(-len(data.train) // data.batch_size)
    if trainer.limit_train_batches is not None:
        data.limit_batches = _batches("limit_train_batches", trainer.limit_train_batches, n_batches)
    for name, limit in (("val", trainer.limit_val_batches), ("test", trainer.limit_test_batches)):
        examples = getattr(data, name)
        if examples is not None and (quick or limit is not None):
            count = -(-len(examples) // data.batch_size)
            kept = data.batch_size * _batches(f"limit_{name}_batches", quick or limit, count)
            setattr(data, name, examples.take(torch.arange(min(kept, len(examples)))))


def _batches(key: str, limit: Any, n_batches: int) -> int:
    """Return a number of minibatches, given that or a share of them, rounded down."""
    number = limit if isinstance(limit, int) else int(limit * n_batches)
    if number < 1:
        raise InputError(f"trainer.{key}={limit}: of {n_batches} minibatches, that is none")
    return number


def build_model(config: Mapping[str, Any], data: Data) -> LinearNetwork:
    """Return the module for this data, with its loss, penalty, optimizer and schedule.

    Raises:
        InputError: if the model's outputs or the loss do not fit the data.
    """
    parts = {name: make(config[name]) for name in ("loss", "penalty", "optimizer", "schedule")}
    if isinstance(parts["optimizer"], Exact):
        del parts["optimizer"]  # the model is given its solution instead
    options = dict(config["model"])
    source = data.source
    n_outputs = options.pop("n_outputs") or source.n_outputs
    check_outputs(n_outputs, source)
    check_targets(parts["loss"], data)
    n_features = data.train.n_features
    model: LinearNetwork = make(options, n_features=n_features, n_outputs=n_outputs, dtype=dtype_of(config), **parts)
    model.requires_grad_(model.autograd)
    model.own_metrics = OwnMetrics(
        {name: make(node) for name, node in named_nodes(config, "metric").items()}, data.offset
    )
    trainer = trainer_options(config["trainer"])
    if trainer.gradient_clip_val is not None:
        if model.optimizer.needs_evaluate:
            raise InputError("trainer.gradient_clip_val: this optimizer evaluates gradients itself, use another one")
        model.clip = Clip(trainer.gradient_clip_val, trainer.gradient_clip_algorithm)
    schedule, length = model.schedule, data.length(trainer.max_epochs)
    if schedule.ends_with_training and length <= schedule.warmup_epochs:
        key = "fast_dev_run" if trainer.fast_dev_run else "max_steps"
        raise InputError(
            f"schedule.warmup_epochs={schedule.warmup_epochs:g}: trainer.{key} ends training after {length:.3g} epochs"
        )
    return model


def build_checkpoint(config: Mapping[str, Any], run: Path) -> Checkpoint:
    """Return the callback that keeps the last and the best state in the run directory."""
    objective, node = config["objective"], config["callbacks"]["checkpoint"]
    found: Checkpoint = make(
        node, folder=run / "checkpoints", monitor=objective["metric"], direction=direction(objective)
    )
    return found


def build_early_stopping(config: Mapping[str, Any]) -> list[pl.Callback]:
    """Return the callback that stops a run whose objective no longer improves, if one is asked for."""
    objective, chosen = config["objective"], config["callbacks"]["early_stopping"]
    return [make(chosen, monitor=objective["metric"], mode=direction(objective)[:3])] if chosen else []


def build_own_callbacks(config: Mapping[str, Any]) -> list[pl.Callback]:
    """Return the callbacks of other modules: all that the configuration names beside linnet's."""
    return [make(node) for name, node in config["callbacks"].items() if name not in CALLBACKS]


def make(node: Mapping[str, Any], **extra: Any) -> Any:
    """Call a checked node's `_target_` with the rest of the node; what it refuses becomes an InputError.

    Hydra's `instantiate` would copy the objects in `extra` into configuration nodes, which tensors do not survive.
    """
    options = dict(node)
    name = options.pop("_target_")
    target = trusted_object(name) if is_own(name) else _object(name)
    try:
        if is_own(name) and not issubclass(target, (Loss, Optimizer, Penalty, Schedule)):
            return _adapted(kind_of(name), target, {**options, **extra})
        return target(**options, **extra)
    except (ValueError, TypeError) as error:
        if isinstance(error, TypeError) and not is_own(name):
            raise
        raise InputError(f"{name.rpartition('.')[2]}: {error}") from error


ADAPTERS: Mapping[str, Callable[[Any], Any]] = {
    "loss": OwnLoss, "penalty": lambda part: OwnPenalty([part]), "schedule": OwnSchedule,
}  # fmt: skip
"""Group -> what makes one of linnet's components of an object of another module; others are used as they are."""


def _adapted(kind: str, part: Any, options: Mapping[str, Any]) -> Any:
    """Return a part of another module, a class that fits the group `kind`, as linnet uses it."""
    if kind == "optimizer":
        return AnyTorchOptimizer(part, options)
    made = part(**options)
    return ADAPTERS[kind](made) if kind in ADAPTERS else made


def own_data(options: Mapping[str, Any]) -> Source:
    """Return the examples of a data source of another module."""
    given = {key: value for key, value in options.items() if key not in ("_target_", "dtype", "seed")}
    return own_source(trusted_object(options["_target_"]), given, dtype=options["dtype"], seed=options["seed"])


_object = cache(get_object)  # looking one up takes as long as making a small part
