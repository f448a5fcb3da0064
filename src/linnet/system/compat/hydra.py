"""Private and undocumented parts of Hydra."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override
    from hydra.types import HydraContext
    from omegaconf import DictConfig

BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
"""What Hydra's default configuration names as `hydra.launcher` and `hydra.sweeper`."""


def job_context(loader: "ConfigLoader") -> "HydraContext":
    """Return the context that `run_job` and launchers ask for, without callbacks: their class is private."""
    from hydra._internal.callbacks import Callbacks
    from hydra.types import HydraContext

    return HydraContext(config_loader=loader, callbacks=Callbacks())


def parse_overrides(overrides: Sequence[str], loader: "ConfigLoader | None" = None) -> "list[Override]":
    """Parse `key=value` words; with a config loader, `glob` finds the options of a group.

    Raises:
        OverrideParseException: of the first word that is not of that form.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create(loader).parse_overrides(list(overrides))


def set_values(overrides: "Sequence[Override]", config: "DictConfig") -> None:
    """Set plain values in a composed configuration as Hydra does when it composes, in a tenth of the time."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    ConfigLoaderImpl._apply_overrides_to_config(list(overrides), config)
