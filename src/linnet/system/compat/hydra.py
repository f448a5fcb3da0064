"""Private and undocumented parts of Hydra."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override
    from hydra.plugins.completion_plugin import CompletionPlugin
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


INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
"""What `show_info` knows of."""


def show_info(kind: str, config_name: str, overrides: Sequence[str]) -> None:
    """Print what Hydra's `--info` prints, inside a session; its lines go to the log, which is set up for stdout."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    hydra.show_info(kind, config_name=config_name, overrides=list(overrides), run_mode=RunMode.RUN)


def show_help(parser: ArgumentParser) -> None:
    """Print Hydra's `--hydra-help`, inside a session, with the flags of a parser whose options all have a help text."""
    from hydra.core.global_hydra import GlobalHydra

    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    hydra.hydra_help(None, parser, Namespace(overrides=[]))


class _Options:
    """Hydra's config loader for completion plugins, without files whose names begin with an underscore."""

    def __init__(self, loader: "ConfigLoader") -> None:
        self.loader = loader

    def get_group_options(self, *arguments: Any, **options: Any) -> list[str]:
        return [name for name in self.loader.get_group_options(*arguments, **options) if not name.startswith("_")]

    def load_configuration(self, *arguments: Any, **options: Any) -> "DictConfig":
        return self.loader.load_configuration(*arguments, **options)


def completion_plugins() -> "dict[str, CompletionPlugin]":
    """Return shell -> Hydra's plugin that installs, uninstalls and answers completion, inside a session."""
    from hydra._internal.hydra import Hydra
    from hydra.core.global_hydra import GlobalHydra

    loader: Any = _Options(GlobalHydra.instance().config_loader())
    return {shell: plugins[0] for shell, plugins in Hydra.get_shell_to_plugin_map(loader).items()}
