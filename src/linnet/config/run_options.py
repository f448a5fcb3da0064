"""Options of the run itself, and those that linnet offers of Lightning's classes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt, Predicate

from linnet.config.option_types import (
    Count,
    CountOrZero,
    DType,
    Fraction,
    NonNegative,
    Positive,
    Seed,
    Threads,
    Words,
)


@dataclass(frozen=True)
class Run:
    """Top level of the configuration."""

    seed: Seed
    threads: Threads | None
    figures: bool
    optimum: Annotated[Literal["off", "auto", "always", False], Words("off, auto or always")]  # YAML reads off so
    name: str | None
    init_from: str | None = None
    tags: Annotated[Sequence[str], Words("a list of words: tags=[baseline,paper]")] = ()
    notes: str | None = None


@dataclass(frozen=True)
class Objective:
    """`objective`: chooses the best epoch of a run, and the best run of a search."""

    metric: str
    direction: Literal["minimize", "maximize"] | None


@dataclass(frozen=True)
class Preparation:
    """`data`: the preparation of examples, whatever their source."""

    batch_size: Count
    val_fraction: Fraction | None
    standardize: bool
    dtype: DType
    outliers: CountOrZero
    seed: Seed
    outlier_value: float = 0.0
    outer_folds: Annotated[int, Ge(2)] | None = None
    outer_fold: CountOrZero | None = None


@dataclass(frozen=True)
class Outputs:
    """`model`: how many outputs it has; None: as many as the data asks for."""

    n_outputs: Count | None


DURATION = re.compile(r"(\d+):(\d\d):(\d\d):(\d\d)")
Share = Count | Annotated[float, Gt(0), Lt(1)]


def is_duration(text: str) -> bool:
    """Return whether a text is a time as Lightning writes one, DD:HH:MM:SS."""
    return DURATION.fullmatch(text) is not None


def seconds_of(duration: str) -> int:
    """Return the seconds of a time as `is_duration` knows it."""
    found = DURATION.fullmatch(duration)
    assert found is not None
    days, hours, minutes, seconds = map(int, found.groups())
    return ((24 * days + hours) * 60 + minutes) * 60 + seconds


@dataclass(frozen=True)
class Trainer:
    """`trainer`: what linnet offers of Lightning's Trainer."""

    accelerator: Literal["cpu", "gpu", "auto"]
    devices: Count
    strategy: Literal["auto", "ddp"]
    max_epochs: Count
    log_every_n_steps: Count
    overfit_batches: CountOrZero
    max_steps: Count | None = None
    max_time: Annotated[str, Predicate(is_duration), Words("days:hours:minutes:seconds, as 00:00:10:00")] | None = None
    min_epochs: Count | None = None
    check_val_every_n_epoch: Count = 1
    limit_train_batches: Share | None = None
    limit_val_batches: Share | None = None
    limit_test_batches: Share | None = None
    gradient_clip_val: Positive | None = None
    gradient_clip_algorithm: Literal["norm", "value"] = "norm"
    fast_dev_run: bool | Count = False
    profiler: Literal["simple", "advanced"] | None = None


@dataclass(frozen=True)
class EarlyStopping:
    """`callbacks.early_stopping`: what linnet offers of Lightning's EarlyStopping."""

    patience: Count
    min_delta: NonNegative


OF_GROUP: Mapping[str, Any] = {"data": Preparation, "model": Outputs}
"""Group -> further options of each of its components; they come before the component's own of the same name."""
OF_LIBRARY: Mapping[str, Any] = {
    "pytorch_lightning.Trainer": Trainer,
    "pytorch_lightning.callbacks.EarlyStopping": EarlyStopping,
}
"""Class of a library -> the options that linnet offers."""


def trainer_options(node: Mapping[str, Any]) -> Trainer:
    """Return the options of a checked `trainer` node; one of an earlier version may lack some."""
    return Trainer(**{key: value for key, value in node.items() if key != "_target_"})


NOT_OFFERED: Mapping[str, str] = {
    "accumulate_grad_batches": "a minibatch of any size takes one update, use a larger data.batch_size",
    "barebones": "every run is tracked; figures=false optimum=off leave out what takes time",
    "benchmark": "there are no convolutions to tune",
    "callbacks": "name them as +callbacks.NAME._target_=…",
    "default_root_dir": "use hydra.run.dir",
    "detect_anomaly": "training ends at the first loss that is not finite, with a learning rate that would do",
    "deterministic": "every run is; equal settings give equal weights",
    "enable_checkpointing": "every run can be resumed, use callbacks.checkpoint.every_n_seconds",
    "enable_model_summary": "a model has weight and bias",
    "enable_progress_bar": "send the output to a file, which gets ten lines",
    "inference_mode": "validation keeps no graph",
    "limit_predict_batches": "give `linnet predict` a shorter file",
    "logger": "use logger=…",
    "min_steps": "use trainer.min_epochs",
    "num_nodes": "one machine trains a model, use trainer=ddp on it, or a launcher for many models",
    "num_sanity_val_steps": "validation needs no trial",
    "plugins": "there is no place for them",
    "precision": "use data.dtype=float32 or float64",
    "reload_dataloaders_every_n_epochs": "the data of a run does not change",
    "sync_batchnorm": "a linear model has none",
    "use_distributed_sampler": "trainer=ddp divides each minibatch among the processes",
    "val_check_interval": "validation comes at the end of an epoch, use trainer.check_val_every_n_epoch",
}
"""Option of Lightning's Trainer -> why linnet has none such, or what to use."""
