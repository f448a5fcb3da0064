"""Refuse sweeps that cannot be carried out, before anything is written."""

from collections.abc import Sequence

from omegaconf import DictConfig

from linnet.config.option_types import Seed, accepts, describe
from linnet.system.errors import InputError

SEARCH_TARGET = "linnet.sweeps.search.search"


def refuse_several_processes(devices: int) -> None:
    """Raise InputError for jobs that would divide one model among processes."""
    if devices > 1:
        raise InputError(
            f"trainer.devices={devices}: the jobs of a sweep do not divide themselves, since it gains more to run them "
            f"side by side: use trainer=default hydra/launcher=vectorized"
        )


def refuse_places(overrides: Sequence[str]) -> None:
    """Raise InputError for places and values that a sweep gives in another way."""
    for text in overrides:
        key, _, value = text.lstrip("+").partition("=")
        if key == "hydra.run.dir":
            raise InputError(f"{text}: that is the place of a single run, a sweep has hydra.sweep.dir={value}")
        if key == "hydra.sweep.subdir":
            raise InputError(
                f"{text}: jobs lie in folders by their numbers, so that a sweep can go on; `linnet compare` shows "
                f"their settings"
            )
        if key.startswith("hydra.sweeper.params") and not any(word.startswith("search=optuna") for word in overrides):
            raise InputError(f"{text}: a grid is given by the overrides themselves: optimizer.lr=0.1,0.2 seed=0,1")


def refuse_numbers(sweeper: DictConfig) -> None:
    """Raise InputError for a search of no trials, or of no trials at once."""
    search = sweeper._target_ == SEARCH_TARGET
    for name in ("n_trials", "n_jobs") if search else ():
        value = sweeper[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"hydra.sweeper.{name}={value}: expected a whole number of at least 1")
    if search and not accepts(Seed, sweeper.seed):
        raise InputError(f"hydra.sweeper.seed={sweeper.seed}: expected {describe(Seed)}")
