"""`search=path`: a sweep over penalty strengths that follow from the data."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from annotated_types import Gt, Lt
from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from linnet.config.check import check
from linnet.config.compose import PATH
from linnet.config.option_types import accepts, describe
from linnet.config.unknown_key import nearest
from linnet.sweeps.composer import Composer
from linnet.sweeps.grid import choices, parse
from linnet.system.errors import InputError

KEY = "penalty.strength"
Ratio = Annotated[float, Gt(0), Lt(1)]


def is_path(sweeper: Mapping[str, Any]) -> bool:
    """Return whether Hydra's sweeper node is that of `search=path`."""
    return bool(sweeper["_target_"] == PATH["_target_"])


def swept_strengths(master: DictConfig, loader: ConfigLoader, task: Sequence[str]) -> dict[str, str]:
    """Return the swept values of `penalty.strength`, those of the first job's data.

    Args:
        master: the sweep's configuration.
        loader: Hydra's.
        task: the sweep's overrides.

    Raises:
        InputError: options out of range, a strength that is given, or no path for this loss, penalty or data.
    """
    options = master.hydra.sweeper
    for key in options:
        if key not in PATH:
            raise InputError(f"search.{key}: no such key{nearest(key, list(PATH))}")
    count, ratio = options.n_strengths, options.ratio
    if not isinstance(count, int) or isinstance(count, bool) or count < 2:
        raise InputError(f"search.n_strengths={count}: expected a whole number of at least 2")
    if ratio is not None and not accepts(Ratio, ratio):
        raise InputError(f"search.ratio={ratio}: expected {describe(Ratio)}, or null")
    overrides = parse(task, {}, loader)
    for override in overrides:
        if override.get_key_element() == KEY:
            raise InputError(f"{override.input_line}: search=path finds the strengths itself, leave this out")
    config, hydra = Composer(master, loader).compose([choices(override)[0] for override in overrides])
    resolved = check(config, hydra)
    from linnet.training.strengths import strengths  # takes the time of importing torch

    return {KEY: ",".join(f"{strength:g}" for strength in strengths(resolved, count, ratio))}
