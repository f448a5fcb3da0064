"""Options of the run itself, and those that linnet offers of Lightning's classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from linnet.config.option_types import Count, CountOrZero, DType, Fraction, NonNegative, Seed, Threads, Words


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


@dataclass(frozen=True)
class Outputs:
    """`model`: how many outputs it has; None: as many as the data asks for."""

    n_outputs: Count | None


@dataclass(frozen=True)
class Trainer:
    """`trainer`: what linnet offers of Lightning's Trainer."""

    accelerator: Literal["cpu", "gpu", "auto"]
    devices: Count
    strategy: Literal["auto", "ddp"]
    max_epochs: Count
    log_every_n_steps: Count
    overfit_batches: CountOrZero


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
