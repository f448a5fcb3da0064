"""Read the configuration of a run directory, checked as untrusted. Imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from linnet.config.check import check
from linnet.config.identity import config_hash
from linnet.system.errors import InputError
from linnet.system.reading import read_yaml
from linnet.tracking.directory import refuse_newer, require_run
from linnet.tracking.manifest_file import check_config


def load_config(run: Path) -> dict[str, Any]:
    """Return the configuration of a completed run, resolved, checked as untrusted, and as the run wrote it."""
    config, _ = load_hydra(run)
    check_config(run, config_hash(config))
    return config


def load_hydra(run: Path, changes: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], DictConfig]:
    """Return the job's configuration, resolved and checked as untrusted, and Hydra's own.

    Args:
        run: its directory.
        changes: dotted key -> value that takes the place of the saved one.

    Raises:
        InputError: if there is no run, or its configuration does not pass.
    """
    require_run(run)
    refuse_newer(run)
    try:
        job = read_yaml(run / ".hydra" / "config.yaml", run)
        hydra = read_yaml(run / ".hydra" / "hydra.yaml", run)
    except Exception as error:
        raise InputError(f"{run}: its configuration cannot be read: {str(error).splitlines()[0]}") from error
    node = OmegaConf.select(hydra, "hydra") if isinstance(hydra, DictConfig) else None
    if not isinstance(job, DictConfig) or not isinstance(node, DictConfig):
        raise InputError(f"{run}: its configuration is damaged, see .hydra/config.yaml and .hydra/hydra.yaml")
    for key, value in (changes or {}).items():
        OmegaConf.update(job, key, value)
    whole: Any = OmegaConf.to_container(job, resolve=False)  # interpolations are resolved where errors are answered
    return check(DictConfig({**whole, "hydra": node}), recorded=True), node
