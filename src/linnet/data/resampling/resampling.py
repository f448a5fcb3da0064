"""What a resampling is: a function from the labels of N training examples and a seed to F resamples of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from linnet.config.option_types import check_options
from linnet.data.resampling.resamples import Resamples
from linnet.system.errors import InputError
from linnet.system.seeds import generator


@dataclass(frozen=True)
class Labels:
    """What resamples of N training examples may depend on, besides options and seed.

    n_examples: N.
    classes: index of each example's class `[N]` int64; None: the targets are numbers.
    class_names: of the classes.
    groups: index of each example's group `[N]` int64, in any order; None: there are no groups.
    folds: index of each example's fold `[N]` int64, −1: in none; None: no folds are given.
    """

    n_examples: int
    classes: Tensor | None = None
    class_names: tuple[str, ...] = ()
    groups: Tensor | None = None
    folds: Tensor | None = None


class Resampling(ABC):
    """A way to train on parts of the training examples and to be judged by the others.

    Raises:
        ValueError: an option is out of range.
    """

    column: ClassVar[Literal["group", "fold"] | None] = None
    """The role of the table's column that it needs."""
    keeps_groups: ClassVar[bool] = False
    """Whether examples of one group are never both trained on and held out by one resample."""
    is_bootstrap: ClassVar[bool] = False
    """Whether resamples are drawn as the examples were, so that their values are those of a bootstrap distribution."""
    is_exchangeable: ClassVar[bool] = False
    """Whether folds are drawn without regard to which examples are alike, as CV+ needs them."""

    def __post_init__(self) -> None:
        check_options(self)

    @abstractmethod
    def resamples(self, labels: Labels, seed: int) -> Resamples | None:
        """Return the resamples, a pure function of the options, labels and seed; None: there are none.

        Raises:
            InputError: there are too few examples, classes have too few members, or the labels needed are not there.
        """


@dataclass(frozen=True)
class NoResampling(Resampling):
    """Train one model on all training examples, and on nothing else."""

    keeps_groups: ClassVar[bool] = True

    def resamples(self, labels: Labels, seed: int) -> None:
        return None


def random_order(size: int, seed: int, index: int) -> Tensor:
    """Return a random permutation `[size]` int64, a pure function of seed and index."""
    return torch.randperm(size, generator=generator(seed, "resampling", index))


def refuse_fewer(n_examples: int, n_folds: int, option: str) -> None:
    """Raise InputError where there are fewer training examples than folds, or one only."""
    if n_examples < 2:
        raise InputError(f"{option}: it needs at least 2 training examples, there is {n_examples}: use resampling=none")
    if n_examples < n_folds:
        raise InputError(
            f"{option}: there are only {n_examples} training examples, fewer than folds: use at most "
            f"resampling.n_folds={n_examples}"
        )
