"""The configuration that a run directory records, checked as untrusted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from linnet.config.groups import ADDED, GROUPS
from linnet.config.identity import config_hash
from linnet.config.loggers import with_loggers
from linnet.system.errors import InputError
from linnet.system.reading import read_texts
from linnet.system.sanitize import plain
from linnet.tracking.run_config import load_hydra
from linnet.training.initial_weights import FILE as INITIAL_WEIGHTS


@dataclass(frozen=True)
class SavedConfig:
    """Configuration of the run to repeat.

    config: resolved to plain containers, and checked.
    choices: config group -> chosen option; names only, from which nothing is built.
    overrides: of the recorded command line, for comparisons.
    initial_weights: file with the weights that a run with `init_from` began with.
    """

    config: dict[str, Any]
    choices: dict[str, str | None]
    overrides: list[str]
    initial_weights: Path | None = None

    def with_threads(self, threads: int | None) -> "SavedConfig":
        """Set the number of threads; None: as the configuration says."""
        if threads is None:
            return self
        kept = [text for text in self.overrides if text.lstrip("+~").partition("=")[0] != "threads"]
        config, overrides = {**self.config, "threads": threads}, [*kept, f"threads={threads}"]
        return replace(self, config=config, overrides=overrides)


def load_config(run: Path) -> SavedConfig:
    """Read the configuration in `.hydra`.

    Raises:
        InputError: if there is no run, or its configuration is damaged or does not pass.
    """
    try:
        config, hydra = load_hydra(run)
        choices: Any = OmegaConf.to_container(hydra.runtime.choices, resolve=False)
        names = {str(group): option for group, option in choices.items() if isinstance(option, str | None)}
        names = with_loggers(names, config)
    except InputError:
        raise
    except Exception as error:  # a node that is missing, or another one than the check counts on
        raise InputError(f"{run / '.hydra'} is damaged: {plain(error)}") from error
    missing = [group for group in GROUPS if group not in names and (group in config or group not in ADDED)]
    if missing:
        raise InputError(f"{run / '.hydra' / 'hydra.yaml'} is damaged: it does not say which {missing[0]} was chosen")
    return SavedConfig(config, names, _overrides(run / ".hydra" / "overrides.yaml"), run / INITIAL_WEIGHTS)


def config_changes(config: Mapping[str, Any], manifest: Mapping[str, Any]) -> str | None:
    """Return how a configuration differs from the one in the manifest, with which the run began."""
    recorded = manifest.get("config_sha256")
    if recorded == config_hash(config):
        return None
    before = manifest.get("config")
    try:
        known = isinstance(before, dict) and config_hash(before) == recorded
    except (KeyError, TypeError, AttributeError):
        known = False
    if not known:
        return "is not what the run began with: the hash of it in manifest.json is another"
    flat = _flat(before), _flat(config)
    changed = [
        f"{plain(key)} {plain(flat[0].get(key))} → {plain(flat[1].get(key))}"
        for key in dict.fromkeys([*flat[0], *flat[1]])
        if flat[0].get(key) != flat[1].get(key)
    ]
    return f"is not what the run began with: {', '.join(changed)}"


def manifest_changes(saved: SavedConfig, manifest: Mapping[str, Any]) -> str | None:
    """Return what manifest.json states otherwise than `.hydra`: a setting, the seed, or a chosen option."""
    config, choices = manifest.get("config"), manifest.get("choices")
    pairs = {"seed": (manifest.get("seed"), saved.config["seed"])} if "seed" in manifest else {}
    if config is not None:
        before, now = _flat(config), _flat(saved.config)
        pairs |= {f"config.{key}": (before.get(key), now.get(key)) for key in dict.fromkeys([*before, *now])}
        pairs.pop("config.data.root", None)  # a path, which may come from the environment
    if isinstance(choices, Mapping):
        pairs |= {f"choices.{group}": (option, saved.choices.get(group)) for group, option in choices.items()}
    changed = [f"{plain(key)} {plain(a)} instead of {plain(b)}" for key, (a, b) in pairs.items() if a != b]
    return f"does not state what .hydra holds: {', '.join(changed)}" if changed else None


def _flat(node: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {path: node}
    return {
        name: leaf
        for key, value in node.items()
        for name, leaf in _flat(value, f"{path}.{key}" if path else key).items()
    }


def _overrides(path: Path) -> list[str]:
    try:
        return [text for text in read_texts(path, path.parents[1]) if "${" not in text]
    except (OSError, ValueError):  # they only name what is in the configuration anyway
        return []
