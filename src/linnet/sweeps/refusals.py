"""What a sweep refuses before any of its jobs runs."""

from collections.abc import Sequence

from omegaconf import DictConfig

from linnet.config.option_types import Seed, accepts, describe
from linnet.sweeps.launch import VECTORIZED
from linnet.sweeps.words import STOP, SweepWords
from linnet.system.compat.hydra import BASIC_LAUNCHER
from linnet.system.errors import InputError

SEARCH_TARGET = "linnet.sweeps.search.search"


def refuse_several_processes(devices: int) -> None:
    """Raise InputError for jobs that would divide one model among processes."""
    if devices > 1:
        raise InputError(
            f"trainer.devices={devices}: the jobs of a sweep do not divide themselves, since it gains more to run them "
            f"side by side: use trainer=default hydra/launcher=vectorized"
        )


def refuse_to_stop(hydra: DictConfig) -> None:
    """Raise InputError where jobs do not run one after the other, or their failures teach a search."""
    if hydra.sweeper._target_ == SEARCH_TARGET:
        raise InputError(f"{STOP}=true: a search learns from trials that fail, leave it out")
    if hydra.launcher._target_ not in (BASIC_LAUNCHER, VECTORIZED):
        launcher = hydra.runtime.choices["hydra/launcher"]
        raise InputError(f"{STOP}=true: hydra/launcher={launcher} runs jobs side by side, leave it out")


def refuse_fixed_jobs(words: SweepWords) -> None:
    """Raise InputError for jobs that are no draws from a space."""
    if words.zips or words.conditions or words.settings != [[]]:
        raise InputError(
            "search=optuna draws each key by itself: zip(…), if(…) and settings are of a grid, leave search out"
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


def refuse_other_processes(hydra: DictConfig, what: str) -> None:
    """Raise InputError where jobs run in processes that lack what was given in Python."""
    if hydra.launcher._target_ not in (BASIC_LAUNCHER, VECTORIZED):
        launcher = hydra.runtime.choices["hydra/launcher"]
        raise InputError(
            f"hydra/launcher={launcher}: its processes do not have {what}: use hydra/launcher=vectorized, or leave the "
            f"launcher out"
        )
