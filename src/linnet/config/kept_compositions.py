"""Compose configurations as Hydra does, once for all that choose the same options: half the time of a small run.

Kept are compositions of options that are shipped with linnet, which do not change while a process runs. Options of a
project, experiments and parts of other modules are composed by Hydra each time.
"""

import pickle
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from linnet.config.groups import GROUPS, shipped
from linnet.system.compat.hydra import parse_overrides, set_values

TOP = ("seed", "threads", "figures", "name", "optimum", "init_from")
PLACE = re.compile(r"hydra\.run\.dir=(?!(?i:null|true|false|nan|inf)$)([a-zA-Z][\w.-]*|[\w.-]*/[\w./-]*)", re.ASCII)
MOST = 256
"""Compositions that are kept, some 40 kB each; overrides whose parse is kept, sixteen times as many."""


class KeptCompositions:
    """`hydra.compose` that sets plain values on a copy of what it composed before.

    Args:
        compose: Hydra's.
    """

    def __init__(self, compose: Callable[..., DictConfig]) -> None:
        self.compose = compose
        self.bases: dict[tuple[str, ...], bytes] = {}

    def __call__(self, name: str, overrides: list[str], return_hydra_config: bool) -> DictConfig:
        try:
            return self.composed(name, overrides)
        except (ValueError, HydraException, OmegaConfBaseException):
            # A swept value, an experiment, a mistake, which Hydra names.
            return self.compose(name, overrides=overrides, return_hydra_config=return_hydra_config)

    def composed(self, name: str, overrides: Sequence[str]) -> DictConfig:
        """Compose as Hydra does. Raises ValueError for what is left to Hydra."""
        places = [found[1] for text in overrides if (found := PLACE.fullmatch(text))]
        parsed = [parse(text) for text in overrides if not PLACE.fullmatch(text)]
        options, values = (list(filter(test, parsed)) for test in (chooses_an_option, sets_a_value))
        if len(options) + len(values) < len(parsed):
            raise ValueError("some overrides are left to Hydra")
        chosen = tuple(str(option.input_line) for option in options)
        if chosen not in self.bases:
            while len(self.bases) >= MOST:
                self.bases.pop(next(iter(self.bases)), None)
            self.bases[chosen] = pickle.dumps(self.compose(name, overrides=list(chosen), return_hydra_config=True))
        config: DictConfig = pickle.loads(self.bases[chosen])
        set_values(values, config)
        if places:
            config.hydra.run.dir = places[-1]
        task = [text for text in overrides if not PLACE.fullmatch(text)]
        config.hydra.overrides.hydra = [text for text in overrides if PLACE.fullmatch(text)]
        config.hydra.overrides.task = task
        config.hydra.job.override_dirname = ",".join(sorted(task))
        config.hydra.runtime.cwd = str(Path.cwd())
        return config


@lru_cache(maxsize=16 * MOST)
def parse(text: str) -> Override:
    (override,) = parse_overrides([text])
    return override


def chooses_an_option(override: Override) -> bool:
    """Return whether it chooses an option that is shipped with linnet; those of users may change."""
    value = override.value()
    return is_plain(override) and isinstance(value, str) and value in shipped().get(override.key_or_group, ())


def sets_a_value(override: Override) -> bool:
    key = override.key_or_group
    in_a_group = key.partition(".")[0] in (*GROUPS, "objective") and "." in key
    return is_plain(override) and (in_a_group or key in TOP)


def is_plain(override: Override) -> bool:
    changes = override.is_add() or override.is_delete() or override.is_force_add()
    return not (changes or override.package or override.is_sweep_override())
